#include "ledger/chain.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace acp;
using namespace acp::ledger;

namespace {

/// The encoding of chain.h once more, by hand.
std::string text(std::string_view value) {
    std::string out("\x01\0\0\0\0\0\0", 7);
    out.push_back(static_cast<char>(value.size() >> 8));
    out.push_back(static_cast<char>(value.size() & 0xff));
    return out.append(value);
}
std::string number(char value) {
    std::string out("\x02\0\0\0\0\0\0\0", 8);
    out.push_back(value);
    return out;
}
const std::string kNull(1, '\0');

}  // namespace

TEST_CASE("hashes are of the bytes that chain.h lays down") {
    CHECK(genesis_digest("id") == sha256_hex(text("acp.ledger.genesis/1") + text("id")));

    RunRow run;
    run.run_uid = "u";
    run.started_at = "s";
    run.action = "a";
    run.provider_alias = "p";
    run.target = "t";
    run.actor_kind = "user";
    run.payload = "{}";
    std::string nulls4 = kNull + kNull + kNull + kNull;
    CHECK(intent_digest(run) ==
          sha256_hex(text("acp.ledger.run.intent/1") + text("u") + text("s") + text("a") + text("p") + text("t") +
                     kNull + kNull + text("user") + nulls4 + kNull + kNull + text("{}")));

    run.finished_at = "f";
    run.status = "failed";
    run.error = "";
    run.duration_ms = 7;
    CHECK(outcome_digest(run) == sha256_hex(text("acp.ledger.run.outcome/1") + text("u") + text("f") + text("failed") +
                                            kNull + kNull + text("") + kNull + kNull + number(7)));

    EventRow event;
    event.event_uid = "e";
    event.occurred_at = "o";
    event.kind = "k";
    CHECK(event_digest(event) ==
          sha256_hex(text("acp.ledger.event/1") + text("e") + text("o") + text("k") + nulls4 + kNull));

    Link link{3, "event", "e", "d", "p", {}};
    CHECK(link_hash(link) ==
          sha256_hex(text("acp.ledger.link/1") + text("p") + number(3) + text("event") + text("e") + text("d")));
}

TEST_CASE("null, empty and shifted text give different digests") {
    EventRow a;
    a.kind = "k";
    EventRow b = a;
    b.actor = std::string();
    CHECK(event_digest(a) != event_digest(b));
    b.actor = std::string("x");
    EventRow c = a;
    c.target = std::string("x");
    CHECK(event_digest(b) != event_digest(c));
    b.target = std::string();
    c.actor = std::string();
    CHECK(event_digest(b) != event_digest(c));
}

TEST_CASE("links follow from each other") {
    Head head;
    Link genesis = make_genesis(head);
    CHECK(genesis.seq == 1);
    CHECK(genesis.prev_hash == std::string(64, '0'));
    CHECK(genesis.ref == head.ledger_id);
    CHECK(head.ledger_id.size() == 22);
    Link next = append(head, subject::kEvent, "e", "d");
    CHECK(next.seq == 2);
    CHECK(next.prev_hash == genesis.row_hash);
    CHECK(head.seq == 2);
    CHECK(head.row_hash == next.row_hash);
    Head other;
    CHECK(make_genesis(other).ref != genesis.ref);
}
