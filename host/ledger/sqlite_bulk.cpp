#include "ledger/sqlite_bulk.h"

namespace acp::ledger {

using Poco::Data::Keywords::use;

Bulk::Bulk(std::string sql, std::string_view columns) : sql_(std::move(sql)) {
    for (char kind : columns) {
        if (kind == 't')
            columns_.emplace_back(std::in_place_type<Texts>);
        else
            columns_.emplace_back(std::in_place_type<Numbers>);
    }
}

template <typename Column>
Column& Bulk::next() {
    Column& column = std::get<Column>(columns_[at_]);
    at_ = (at_ + 1) % columns_.size();
    return column;
}

Bulk& Bulk::text(const std::string& value) {
    next<Texts>().emplace_back(value);
    return *this;
}

Bulk& Bulk::text(const std::optional<std::string>& value) {
    Texts& column = next<Texts>();
    value ? column.emplace_back(*value) : column.emplace_back();
    return *this;
}

Bulk& Bulk::number(std::int64_t value) {
    next<Numbers>().emplace_back(value);
    return *this;
}

Bulk& Bulk::number(const std::optional<std::int64_t>& value) {
    Numbers& column = next<Numbers>();
    value ? column.emplace_back(*value) : column.emplace_back();
    return *this;
}

void Bulk::execute(Poco::Data::Session& session) {
    bool empty = std::visit([](const auto& column) { return column.empty(); }, columns_.front());
    if (empty) return;
    if (!statement_) {
        statement_.emplace(session);
        *statement_ << sql_;
        for (auto& column : columns_) std::visit([this](auto& values) { *statement_, use(values); }, column);
    }
    statement_->execute();
    clear();
}

void Bulk::reset() {
    statement_.reset();
    clear();
}

void Bulk::clear() {
    for (auto& column : columns_) std::visit([](auto& values) { values.clear(); }, column);
    at_ = 0;
}

}  // namespace acp::ledger
