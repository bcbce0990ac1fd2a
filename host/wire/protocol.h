// wire: what the bytes of a connection mean. One protocol at a time has the
// connection: HTTP/1.1 at first, then perhaps what it is upgraded to.
#pragma once

namespace acp::wire {

class TimeoutList;

/// All members are called on the loop of the connection, which owns the protocol.
class Protocol {
public:
    virtual ~Protocol() = default;
    /// The socket has something to read; take it with `fill_input`, now or later.
    virtual void on_readable() = 0;
    /// Output that had been held up is out; more may be produced.
    virtual void on_flushed() = 0;
    /// A time limit passed.
    virtual void on_limit(TimeoutList& list) = 0;
    /// The connection is closing; let go of everything that is under way.
    virtual void on_closing() = 0;
    /// Finish what is under way and then close. Idle connections close at once.
    virtual void drain() = 0;
};

}  // namespace acp::wire
