#include "json/schema.h"

#include <limits>
#include <valijson/schema_parser.hpp>

#include "json/pointer.h"
#include "json/schema_compiled.h"

namespace acp::json {

namespace {

using valijson::adapters::Adapter;

Var value_of(const Adapter& adapter) {
    if (adapter.isNull()) return {};
    if (adapter.isBool()) return adapter.getBool();
    if (adapter.isInteger()) return adapter.getInteger();
    if (adapter.isDouble()) return adapter.getDouble();
    if (adapter.isString()) return adapter.getString();
    if (adapter.isArray()) {
        Array::Ptr out = array();
        adapter.applyToArray([&](const Adapter& element) {
            out->add(value_of(element));
            return true;
        });
        return out;
    }
    Object::Ptr out = object();
    adapter.applyToObject([&](const std::string& name, const Adapter& member) {
        out->set(name, value_of(member));
        return true;
    });
    return out;
}

class EnumBuilder : public valijson::ConstraintBuilder {
public:
    valijson::constraints::Constraint* make(const Adapter& adapter) const override {
        std::vector<Var> values;
        adapter.applyToArray([&](const Adapter& element) {
            values.push_back(value_of(element));
            return true;
        });
        return new AllowedValues(values);
    }
};

class ConstBuilder : public valijson::ConstraintBuilder {
public:
    valijson::constraints::Constraint* make(const Adapter& adapter) const override {
        return new AllowedValues(std::vector<Var>(1, value_of(adapter)));
    }
};

/// `pointer` as the fragment of a URI (RFC 6901 section 6).
std::string fragment(std::string_view pointer) {
    std::string out = "#";
    for (char c : pointer) {
        if (c == '%')
            out += "%25";
        else
            out.push_back(c);
    }
    return out;
}

/// valijson resolves references against the node it is given, so that node is
/// the document itself, made to stand for the selected schema.
Var selecting(const Var& document, std::string_view pointer) {
    if (pointer.empty()) return document;
    Object::Ptr root = new Object(*document.extract<Object::Ptr>());
    root->set("$ref", fragment(pointer));
    return root;
}

}  // namespace

AllowedValues::AllowedValues(const std::vector<Var>& values) {
    std::string list;
    for (const auto& value : values) {
        canonical_.insert(canonical(value));
        if (!list.empty()) list += ", ";
        list += dump(value);
    }
    demand_ = (values.size() == 1 ? "must be " : "must be one of ") + list;
}

Result<Schema> Schema::compile(const Var& document, std::string_view pointer) {
    auto patterns = audit_schema(document, pointer);
    if (!patterns) return fail(patterns.error());
    try {
        auto compiled = std::make_shared<Compiled>();
        compiled->patterns = std::move(*patterns);
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.addConstraintBuilder("enum", new EnumBuilder);
        parser.addConstraintBuilder("const", new ConstBuilder);
        parser.populateSchema(valijson::adapters::PocoJsonAdapter(selecting(document, pointer)), compiled->tree);
        return Schema(std::move(compiled));
    } catch (const std::exception& e) {
        return fail(Code::invalid, "schema_invalid", "schema #" + std::string(pointer) + ": " + e.what());
    }
}

}  // namespace acp::json
