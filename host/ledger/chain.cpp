#include "ledger/chain.h"

#include "base/bytes.h"

namespace acp::ledger {

namespace {

/// The encoding that chain.h lays down.
class Encoding {
public:
    explicit Encoding(std::string_view kind) {
        bytes_.reserve(1024);
        text(kind);
    }
    Encoding& text(std::string_view value) {
        bytes_.push_back('\x01');
        big_endian(value.size());
        bytes_.append(value);
        return *this;
    }
    Encoding& text(const Text& value) { return value ? text(std::string_view(*value)) : null(); }
    Encoding& number(std::int64_t value) {
        bytes_.push_back('\x02');
        big_endian(static_cast<std::uint64_t>(value));
        return *this;
    }
    Encoding& number(const std::optional<std::int64_t>& value) { return value ? number(*value) : null(); }
    std::string hash() const { return sha256_hex(bytes_); }

private:
    Encoding& null() {
        bytes_.push_back('\0');
        return *this;
    }
    void big_endian(std::uint64_t value) {
        for (int shift = 56; shift >= 0; shift -= 8) bytes_.push_back(static_cast<char>((value >> shift) & 0xff));
    }

    std::string bytes_;
};

}  // namespace

std::string genesis_digest(const std::string& ledger_id) {
    return Encoding("acp.ledger.genesis/1").text(std::string_view(ledger_id)).hash();
}

std::string intent_digest(const RunRow& row) {
    return Encoding("acp.ledger.run.intent/1")
        .text(std::string_view(row.run_uid))
        .text(std::string_view(row.started_at))
        .text(std::string_view(row.action))
        .text(row.provider_alias)
        .text(row.target)
        .text(row.namespace_)
        .text(row.user_id)
        .text(std::string_view(row.actor_kind))
        .text(row.on_behalf_of)
        .text(row.organization_id)
        .text(row.workspace_id)
        .text(row.cell_id)
        .text(row.request_id)
        .text(row.idempotency_key)
        .text(row.payload)
        .hash();
}

std::string outcome_digest(const RunRow& row) {
    return Encoding("acp.ledger.run.outcome/1")
        .text(std::string_view(row.run_uid))
        .text(row.finished_at)
        .text(std::string_view(row.status))
        .text(row.result)
        .text(row.result_hash)
        .text(row.error)
        .text(row.halt_reason)
        .number(row.http_status)
        .number(row.duration_ms)
        .hash();
}

std::string event_digest(const EventRow& row) {
    return Encoding("acp.ledger.event/1")
        .text(std::string_view(row.event_uid))
        .text(std::string_view(row.occurred_at))
        .text(std::string_view(row.kind))
        .text(row.actor)
        .text(row.target)
        .text(row.outcome)
        .text(row.request_id)
        .text(row.details)
        .hash();
}

std::string link_hash(const Link& link) {
    return Encoding("acp.ledger.link/1")
        .text(std::string_view(link.prev_hash))
        .number(link.seq)
        .text(std::string_view(link.subject))
        .text(std::string_view(link.ref))
        .text(std::string_view(link.digest))
        .hash();
}

Link make_genesis(Head& head) {
    head = Head{random_token(16), 0, std::string(64, '0')};
    return append(head, subject::kGenesis, head.ledger_id, genesis_digest(head.ledger_id));
}

Link append(Head& head, std::string_view subject, const std::string& ref, std::string digest) {
    Link link{head.seq + 1, std::string(subject), ref, std::move(digest), head.row_hash, {}};
    link.row_hash = link_hash(link);
    head.seq = link.seq;
    head.row_hash = link.row_hash;
    return link;
}

}  // namespace acp::ledger
