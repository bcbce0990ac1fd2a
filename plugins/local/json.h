// local: Poco::JSON with typed reads that say what is wrong where.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acp::local {

/// A document that is malformed or not of the expected shape. `what()` has a
/// JSON pointer and no value of the document.
class JsonError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

using JsonObject = Poco::JSON::Object::Ptr;
using StringPairs = std::vector<std::pair<std::string, std::string>>;

/// Throws JsonError.
JsonObject parse_object(const std::string& text);
std::string to_text(const Poco::JSON::Object& object);
std::string to_text(const Poco::JSON::Array& array);

/// Reads of one member. `at` is the pointer of the object itself, "" for the
/// root. The plain form needs the member, the `_or` form gives the default
/// where it is absent. All throw JsonError.
class Reader {
public:
    Reader(const Poco::JSON::Object& object, std::string at) : object_(object), at_(std::move(at)) {}

    bool has(const char* name) const { return object_.has(name); }
    std::string string(const char* name) const;
    std::string string_or(const char* name, std::string fallback) const;
    std::int64_t integer(const char* name, std::int64_t least, std::int64_t most) const;
    std::int64_t integer_or(const char* name, std::int64_t fallback, std::int64_t least, std::int64_t most) const;
    double number_or(const char* name, double fallback, double least, double most) const;
    bool boolean(const char* name) const;
    std::vector<std::string> strings(const char* name) const;
    std::vector<std::string> strings_or_none(const char* name) const;
    /// An object of strings; pairs by name.
    StringPairs pairs_or_none(const char* name) const;
    JsonObject object(const char* name) const;
    Poco::JSON::Array::Ptr array_or_none(const char* name) const;
    /// Refuses every member that is not one of `known`.
    void only(std::initializer_list<const char*> known) const;
    std::string pointer(std::string_view name) const { return at_ + "/" + std::string(name); }

private:
    const Poco::JSON::Object& object_;
    std::string at_;
};

Poco::JSON::Array::Ptr to_array(const std::vector<std::string>& strings);
JsonObject to_object(const StringPairs& pairs);

}  // namespace acp::local
