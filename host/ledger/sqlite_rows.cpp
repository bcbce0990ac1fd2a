#include "ledger/sqlite_rows.h"

#include <string_view>

namespace acp::ledger {

namespace {

using Poco::Data::Statement;
using namespace Poco::Data::Keywords;

std::string required(const NullableText& value) {
    return value.isNull() ? std::string() : value.value();
}
Text optional_text(const NullableText& value) {
    return value.isNull() ? Text() : Text(value.value());
}
std::optional<std::int64_t> optional_number(const NullableNumber& value) {
    return value.isNull() ? std::nullopt : std::optional<std::int64_t>(value.value());
}

std::string prefixed(std::string_view names, const std::string& prefix) {
    std::string out;
    while (!names.empty()) {
        std::size_t end = std::min(names.find(' '), names.size());
        if (!out.empty()) out += ", ";
        out += prefix;
        out += names.substr(0, end);
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return out;
}

}  // namespace

std::string RunColumns::list(const std::string& prefix) {
    return prefixed(
        "id run_uid started_at finished_at status action provider_alias target namespace user_id actor_kind "
        "on_behalf_of organization_id workspace_id cell_id request_id idempotency_key payload result result_hash error "
        "halt_reason prev_hash row_hash http_status duration_ms",
        prefix);
}

void RunColumns::bind(Statement& statement) {
    statement, into(id_);
    for (auto& text : texts_) statement, into(text);
    statement, into(http_status_), into(duration_ms_);
}

RunRow RunColumns::row() const {
    const NullableText* text = texts_.data();
    RunRow row;
    row.id = id_.isNull() ? 0 : id_.value();
    row.run_uid = required(*text++);
    row.started_at = required(*text++);
    row.finished_at = optional_text(*text++);
    row.status = required(*text++);
    row.action = required(*text++);
    row.provider_alias = optional_text(*text++);
    row.target = optional_text(*text++);
    row.namespace_ = optional_text(*text++);
    row.user_id = optional_text(*text++);
    row.actor_kind = required(*text++);
    row.on_behalf_of = optional_text(*text++);
    row.organization_id = optional_text(*text++);
    row.workspace_id = optional_text(*text++);
    row.cell_id = optional_text(*text++);
    row.request_id = optional_text(*text++);
    row.idempotency_key = optional_text(*text++);
    row.payload = optional_text(*text++);
    row.result = optional_text(*text++);
    row.result_hash = optional_text(*text++);
    row.error = optional_text(*text++);
    row.halt_reason = optional_text(*text++);
    row.prev_hash = required(*text++);
    row.row_hash = required(*text++);
    row.http_status = optional_number(http_status_);
    row.duration_ms = optional_number(duration_ms_);
    return row;
}

std::string EventColumns::list(const std::string& prefix) {
    return prefixed("id event_uid occurred_at kind actor target outcome request_id details prev_hash row_hash", prefix);
}

void EventColumns::bind(Statement& statement) {
    statement, into(id_);
    for (auto& text : texts_) statement, into(text);
}

EventRow EventColumns::row() const {
    const NullableText* text = texts_.data();
    EventRow row;
    row.id = id_.isNull() ? 0 : id_.value();
    row.event_uid = required(*text++);
    row.occurred_at = required(*text++);
    row.kind = required(*text++);
    row.actor = optional_text(*text++);
    row.target = optional_text(*text++);
    row.outcome = optional_text(*text++);
    row.request_id = optional_text(*text++);
    row.details = optional_text(*text++);
    row.prev_hash = required(*text++);
    row.row_hash = required(*text++);
    return row;
}

std::string LinkColumns::list(const std::string& prefix) {
    return prefixed("seq subject ref digest prev_hash row_hash", prefix);
}

void LinkColumns::bind(Statement& statement) {
    statement, into(seq_);
    for (auto& text : texts_) statement, into(text);
}

Link LinkColumns::row() const {
    return {seq_.isNull() ? 0 : seq_.value(),
            required(texts_[0]),
            required(texts_[1]),
            required(texts_[2]),
            required(texts_[3]),
            required(texts_[4])};
}

std::optional<std::int64_t> query_number(Poco::Data::Session& session, const std::string& sql) {
    NullableNumber value;
    Statement statement(session);
    statement << sql, into(value);
    return statement.execute() > 0 ? optional_number(value) : std::nullopt;
}

std::optional<Head> query_head(Poco::Data::Session& session) {
    Head head;
    Poco::Int64 seq = 0;
    Statement statement(session);
    statement << "SELECT ledger_id, seq, row_hash FROM ledger_head WHERE id = 1", into(head.ledger_id), into(seq),
        into(head.row_hash);
    if (statement.execute() == 0) return std::nullopt;
    head.seq = seq;
    return head;
}

}  // namespace acp::ledger
