// ledger: one statement that runs for many rows at once.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Nullable.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace acp::ledger {

/// Poco 1.11 has SQLite prepare a statement anew at each execute(); bound to
/// columns of values it prepares once for all rows, at a third of the cost. Values are added row by row, in the order
/// of the statement's parameters. Throws Poco::Exception. [writer-thread]
class Bulk {
public:
    /// `columns` has one letter a parameter: t for text, n for a number.
    Bulk(std::string sql, std::string_view columns);

    Bulk& text(const std::string& value);
    Bulk& text(const std::optional<std::string>& value);
    Bulk& number(std::int64_t value);
    Bulk& number(const std::optional<std::int64_t>& value);

    /// Runs for all rows added and forgets them; nothing to do without rows.
    void execute(Poco::Data::Session& session);
    /// Also forgets the prepared statement, which Poco cannot use again once it failed.
    void reset();

private:
    using Texts = std::vector<Poco::Nullable<std::string>>;
    using Numbers = std::vector<Poco::Nullable<Poco::Int64>>;

    template <typename Column>
    Column& next();
    void clear();

    std::string sql_;
    std::vector<std::variant<Texts, Numbers>> columns_;
    std::size_t at_ = 0;                              ///< the column that takes the next value
    std::optional<Poco::Data::Statement> statement_;  ///< refers to columns_
};

}  // namespace acp::ledger
