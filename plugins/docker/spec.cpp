#include "spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace acp::docker {

namespace {

using sdk::Failure;

constexpr std::size_t kFileMax = 1U << 20;
constexpr std::int64_t kMemoryMin = 6 * 1024 * 1024;  // the Engine's own least

[[noreturn]] void invalid(const std::string& message) {
    throw Failure(ACP_E_INVALID, message);
}

bool lower_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool has_nul(const std::string& text) noexcept {
    return text.find('\0') != std::string::npos;
}

void check_image(const std::string& image) {
    if (image.empty()) invalid("/image is missing: provider docker runs images");
    const bool plain = image.size() <= 512 && std::all_of(image.begin(), image.end(), [](char c) {
                           return lower_or_digit(c) || (c >= 'A' && c <= 'Z') ||
                                  std::string_view("-._/:@").find(c) != std::string_view::npos;
                       });
    // A dot segment would leave the Engine's path of the image.
    if (!plain || image.front() == '-' || image.find("..") != std::string::npos || image.front() == '/')
        invalid("/image is no image reference");
}

void check_texts(const std::vector<std::string>& values, const std::string& pointer) {
    for (std::size_t i = 0; i < values.size(); ++i)
        if (has_nul(values[i])) invalid(pointer + "/" + std::to_string(i) + " holds a NUL character");
}

/// The number in front of the unit; the unit is left in `unit`.
double parse_number(const std::string& quantity, std::string_view& unit) {
    double value = 0;
    const char* const end = quantity.data() + quantity.size();
    const auto [stop, error] = std::from_chars(quantity.data(), end, value, std::chars_format::fixed);
    if (error != std::errc() || !(value > 0) || value > 1e15) throw std::invalid_argument("no positive quantity");
    unit = {stop, static_cast<std::size_t>(end - stop)};
    return value;
}

std::string quantity_text(const json::Var& value) {
    if (value.isString()) return value.extract<std::string>();
    if (value.isNumeric() && !value.isBoolean()) return value.convert<std::string>();
    throw std::invalid_argument("neither a string nor a number");
}

json::Object::Ptr parse_member(const std::string& text, const char* pointer) {
    try {
        return json::parse_object(text);
    } catch (const std::invalid_argument&) {
        invalid(std::string(pointer) + " must be an object");
    }
}

void read_resources(const std::string& text, Desired& out) {
    if (text.empty()) return;
    const json::Object::Ptr object = parse_member(text, "/resources");
    for (const auto& [name, value] : *object) {
        const std::string pointer = "/resources/" + name;
        try {
            if (name == "cpu") {
                out.nano_cpus = parse_cpu(quantity_text(value));
            } else if (name == "memory") {
                out.memory_bytes = parse_memory(quantity_text(value));
            } else {
                invalid(pointer + " is not known; known are cpu and memory");
            }
        } catch (const std::invalid_argument&) {
            invalid(pointer + " is no quantity, such as \"500m\" or \"256Mi\"");
        }
    }
    if (out.memory_bytes != 0 && out.memory_bytes < kMemoryMin)
        invalid("/resources/memory is below the Engine's least, 6Mi");
}

void read_metadata(const std::string& text, Desired& out) {
    if (text.empty()) return;
    const json::Object::Ptr object = parse_member(text, "/metadata");
    for (const auto& [name, value] : *object) {
        const std::string pointer = "/metadata/" + name;
        if (!value.isString() || has_nul(value.extract<std::string>())) invalid(pointer + " must be a string");
        const auto text_value = value.extract<std::string>();
        if (name == "restart") {
            if (text_value != "always" && text_value != "on-failure" && text_value != "never")
                invalid(pointer + " must be always, on-failure or never");
            out.restart = text_value;
        } else if (name == "working_dir") {
            if (!text_value.starts_with('/')) invalid(pointer + " must be an absolute path");
            out.working_dir = text_value;
        } else if (name == "user") {
            out.user = text_value;
        } else {
            invalid(pointer + " is not known; known are restart, working_dir and user");
        }
    }
}

void read_ports(const std::vector<sdk::Port>& ports, Desired& out) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const std::string pointer = "/ports/" + std::to_string(i);
        const std::string protocol = ports[i].protocol.empty() ? "tcp" : ports[i].protocol;
        if (protocol != "tcp" && protocol != "udp") invalid(pointer + "/protocol must be tcp or udp");
        if (ports[i].container_port == 0) invalid(pointer + "/container_port is missing");
        out.ports.push_back({ports[i].name, protocol, ports[i].container_port, ports[i].host_port});
    }
}

}  // namespace

bool valid_service_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 63 && lower_or_digit(id.front()) && lower_or_digit(id.back()) &&
           std::all_of(id.begin(), id.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
}

void check_replicas(std::uint32_t replicas, bool fixed_port) {
    if (replicas > kReplicasMax)
        invalid("/replicas: " + std::to_string(replicas) + " is more than the " + std::to_string(kReplicasMax) +
                " that provider docker runs of one workload");
    if (replicas > 1 && fixed_port)
        invalid(
            "/replicas: a workload with a fixed host_port has one replica at most; leave host_port 0 to let the Engine "
            "choose");
}

void check_variable(const std::string& name, const std::string& value) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name))
        invalid("/env: a variable's name is empty or holds \"=\" or NUL");
    if (has_nul(value)) invalid("/env/" + name + " holds a NUL character");
}

void check_file(const std::string& path, const std::string& content) {
    const std::string pointer = "/files: " + sdk::clip(path, 256);
    const bool absolute = path.size() > 1 && path.front() == '/' && path.back() != '/' && path.size() <= 4096;
    const std::string framed = path + "/";
    if (!absolute || has_nul(path) || framed.find("//") != std::string::npos ||
        framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos)
        invalid(pointer + ": a file is named by an absolute path without empty, \".\" and \"..\" parts");
    if (content.size() > kFileMax) invalid(pointer + ": the content is larger than 1 MiB");
}

std::int64_t parse_cpu(const std::string& quantity) {
    std::string_view unit;
    const double value = parse_number(quantity, unit);
    if (!unit.empty() && unit != "m") throw std::invalid_argument("unknown unit");
    const double nano = unit == "m" ? value * 1e6 : value * 1e9;
    if (nano < 1e6 || nano > 1e14) throw std::invalid_argument("out of range");
    return static_cast<std::int64_t>(nano);
}

std::int64_t parse_memory(const std::string& quantity) {
    struct Unit {
        std::string_view name;
        double factor;
    };
    constexpr std::array<Unit, 9> kUnits = {Unit{"", 1},       {"k", 1e3},           {"M", 1e6},
                                            {"G", 1e9},        {"T", 1e12},          {"Ki", 1024.0},
                                            {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
    std::string_view unit;
    const double value = parse_number(quantity, unit);
    const auto* const found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
    if (found == kUnits.end() || value * found->factor > 1e18)
        throw std::invalid_argument("unknown unit or out of range");
    return static_cast<std::int64_t>(value * found->factor);
}

Desired desired_from_spec(const sdk::DeploymentSpec& spec) {
    if (!valid_service_id(spec.service_id)) invalid("/service_id must match [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    check_image(spec.image);
    if (!spec.env_from_secrets.empty())
        throw Failure(ACP_E_UNSUPPORTED,
                      "/env_from_secrets: provider docker has no source of secrets; give plain values in `env`");
    Desired out;
    out.service_id = spec.service_id;
    out.spec_hash = spec.spec_hash;
    out.image = spec.image;
    out.namespace_ = spec.namespace_;
    out.spec_replicas = spec.replicas;
    out.replicas = spec.replicas;
    out.command = spec.command;
    out.args = spec.args;
    check_texts(out.command, "/command");
    check_texts(out.args, "/args");
    for (const auto& [name, value] : spec.env) {
        check_variable(name, value);
        out.env.emplace_back(name, value);
    }
    for (const auto& [name, value] : spec.labels) {
        if (name.empty() || has_nul(name) || has_nul(value)) invalid("/labels: a name is empty or holds NUL");
        if (name.starts_with(kLabelPrefix)) invalid("/labels/" + name + ": this prefix is the provider's own");
        out.labels.emplace_back(name, value);
    }
    read_ports(spec.ports, out);
    check_replicas(out.replicas, out.has_fixed_port());
    read_resources(spec.resources_json, out);
    read_metadata(spec.metadata_json, out);
    return out;
}

}  // namespace acp::docker
