// docker: one command inside a container. The exchange with the Engine runs on
// a thread of its own; what the listener sends arrives on the host's threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "engine.h"
#include "frames.h"

namespace acp::docker {

/// Bytes and events from the listener, until the exchange takes them.
class ExecInput {
public:
    /// Registers with the stream; the stream's callbacks keep the input alive.
    static acp_status listen(const std::shared_ptr<ExecInput>& input, sdk::Stream& stream);

    struct Taken {
        std::string bytes;
        bool end = false;           ///< standard input was closed and all of it taken
        int width = 0, height = 0;  ///< a new size of the terminal, or 0
    };
    Taken take();
    void close_stdin();

private:
    void on_data(std::uint8_t channel, std::string_view bytes);
    std::mutex mutex_;
    std::string stdin_;
    bool stdin_closed_ = false;
    int width_ = 0, height_ = 0;
};

class ExecSession {
public:
    ExecSession(Engine& engine, std::string exec_id, sdk::ExecRequest request);

    /// The exchange, on the session's thread.
    void run(const std::atomic<bool>& stopping) noexcept;

    /// Waits until the command runs (or has run). Throws sdk::Failure when it
    /// cannot be started; the session then ends by itself.
    void await_start(const sdk::Call& call);
    /// Lets output flow, after await_start.
    void attach(sdk::Stream stream);

private:
    enum class Gate : std::uint8_t { waiting, open, shut };
    struct Outcome {
        bool running = false, known = false, started = false;
        std::int64_t exit_code = 0;
    };
    void exchange();
    void finish();
    Outcome outcome(const sdk::Call& call);
    bool over() const;
    bool take_output(std::string_view bytes);
    bool pass_on(std::string_view bytes);
    int pull(std::string_view& out);
    void resize(int width, int height);

    Engine& engine_;
    const std::string exec_id_;
    const sdk::ExecRequest request_;
    const std::shared_ptr<ExecInput> input_ = std::make_shared<ExecInput>();
    const std::atomic<bool>* stopping_ = nullptr;

    std::mutex mutex_;  ///< guards gate_, early_, ended_, error_
    std::condition_variable changed_;
    std::atomic<Gate> gate_{Gate::waiting};
    std::string early_;  ///< output that came before the gate opened
    bool ended_ = false;
    std::exception_ptr error_;

    sdk::Stream stream_;  ///< set once, before the gate opens
    FrameDecoder frames_;
    std::string sending_;
    std::uint64_t sending_from_listener_ = 0;
};

}  // namespace acp::docker
