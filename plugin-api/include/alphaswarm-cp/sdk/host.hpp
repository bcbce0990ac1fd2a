// alphaswarm-cp plugin SDK: the host's services as C++ values.
#pragma once

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/host/clock.h"
#include "alphaswarm-cp/host/http_client.h"
#include "alphaswarm-cp/host/log.h"
#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"
#include "alphaswarm-cp/stream.h"

namespace acp::sdk {

/// View of the acp_call of the running function. Not to be kept. What a host
/// throws in a callback, against the rules, ends here.
class Call {
public:
    explicit Call(const acp_call* raw) noexcept : raw_(raw), known_(whole(raw)) {}
    bool cancelled() const noexcept {
        try {
            return known_.cancelled && known_.cancelled(raw_) != 0;
        } catch (...) {
            return false;
        }
    }
    /// CLOCK_MONOTONIC in nanoseconds, 0: no deadline.
    int64_t deadline_mono_ns() const noexcept { return known_.deadline_mono_ns; }
    std::string_view request_id() const noexcept { return view(known_.request_id); }
    std::string_view principal() const noexcept { return view(known_.principal); }
    std::string_view tenant() const noexcept { return view(known_.tenant); }
    std::string_view run_uid() const noexcept { return view(known_.run_uid); }
    void log(int32_t level, std::string_view message) const noexcept {
        try {
            if (known_.log) known_.log(raw_, level, str(message));
        } catch (...) {
        }
    }
    const acp_call* raw() const noexcept { return raw_; }

private:
    const acp_call* raw_;
    acp_call known_;
};

struct HttpReply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::string body;

    std::string_view field(std::string_view lower_name) const noexcept {
        for (const auto& [name, value] : fields)
            if (name == lower_name) return value;
        return {};
    }
};

/// As acp_http_tls: PEM files, each may be empty.
struct HttpTls {
    std::string ca_file, certificate_file, key_file, spiffe_id;
    bool operator==(const HttpTls&) const = default;
};

struct HttpRequest {
    std::string url;
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    int64_t connect_timeout_ms = 0;
    int64_t idle_timeout_ms = 0;
    uint64_t max_body_bytes = 0;
    bool upgrade = false;
    HttpTls tls;  ///< for https
};

/// Streaming callbacks; returning false stops the exchange.
struct HttpHandlers {
    std::function<bool(const HttpReply& head)> on_head;
    std::function<bool(std::string_view)> on_body;
    /// See acp_http_reply.on_pull: 0 bytes, 1 half-close, 2 nothing now.
    std::function<int(std::string_view& out)> on_pull;
};

/// The host, found once in init and valid for ever.
class Host {
public:
    explicit Host(const acp_host* raw) noexcept : raw_(raw) {
        log_ = find<acp_host_log>(ACP_IID_HOST_LOG);
        stream_ = find<acp_host_stream>(ACP_IID_HOST_STREAM);
        http_ = find<acp_host_http_client>(ACP_IID_HOST_HTTP_CLIENT);
        clock_ = find<acp_host_clock>(ACP_IID_HOST_CLOCK);
    }

    template <typename Table>
    const Table* find(std::string_view iid) const noexcept {
        if (!raw_ || !raw_->get_interface) return nullptr;
        return static_cast<const Table*>(raw_->get_interface(raw_, str(iid)));
    }

    void log(int32_t level, std::string_view source, std::string_view message) const noexcept {
        try {
            if (log_) log_->write(level, str(source), str(message), nullptr, 0);
        } catch (...) {
        }
    }
    const acp_host* raw() const noexcept { return raw_; }
    const acp_host_stream* stream() const noexcept { return stream_; }
    const acp_host_clock* clock() const noexcept { return clock_; }

    /// Sends `request`; with handlers the body is streamed, else collected.
    /// Throws Failure.
    HttpReply http(const Call& call, const HttpRequest& request,
                   const HttpHandlers* handlers = nullptr) const {
        if (!http_) throw Failure(ACP_E_UNSUPPORTED, "this host has no HTTP client");
        std::vector<acp_pair> fields;
        fields.reserve(request.fields.size());
        for (const auto& [name, value] : request.fields) fields.push_back({str(name), str(value)});
        acp_http_call raw{};
        raw.struct_size = sizeof raw;
        raw.upgrade = request.upgrade ? 1 : 0;
        raw.url = str(request.url);
        raw.method = str(request.method);
        raw.fields = fields.data();
        raw.fields_count = fields.size();
        raw.body = bytes(request.body);
        raw.connect_timeout_ms = request.connect_timeout_ms;
        raw.idle_timeout_ms = request.idle_timeout_ms;
        raw.max_body_bytes = request.max_body_bytes;
        acp_http_tls tls{};
        tls.struct_size = sizeof tls;
        tls.ca_file = str(request.tls.ca_file);
        tls.certificate_file = str(request.tls.certificate_file);
        tls.key_file = str(request.tls.key_file);
        tls.spiffe_id = str(request.tls.spiffe_id);
        if (request.tls != HttpTls{}) raw.tls = &tls;

        Exchange exchange{{}, handlers, {}};
        acp_http_reply reply{};
        reply.struct_size = sizeof reply;
        reply.ctx = &exchange;
        reply.on_head = &Exchange::on_head;
        reply.on_body = &Exchange::on_body;
        reply.on_pull = &Exchange::on_pull;
        ErrorSlot error;
        acp_status status = http_->perform(call.raw(), &raw, &reply, error.get());
        if (exchange.thrown) std::rethrow_exception(exchange.thrown);
        if (status != ACP_OK) throw Failure(status, error.message(), error.retryable());
        return std::move(exchange.reply);
    }

private:
    struct Exchange {
        HttpReply reply;
        const HttpHandlers* handlers;
        std::exception_ptr thrown;

        template <typename Body>
        static int32_t guarded(void* ctx, Body body) noexcept {
            auto* self = static_cast<Exchange*>(ctx);
            try {
                return body(*self);
            } catch (...) {
                self->thrown = std::current_exception();
                return 1;
            }
        }
        static int32_t on_head(void* ctx, int32_t status, const acp_pair* fields, size_t count) {
            return guarded(ctx, [&](Exchange& self) {
                self.reply.status = status;
                self.reply.fields.clear();
                for (size_t i = 0; i < count; ++i) {
                    std::string name = text(fields[i].name);
                    std::transform(name.begin(), name.end(), name.begin(),
                                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                    self.reply.fields.emplace_back(std::move(name), text(fields[i].value));
                }
                if (self.handlers && self.handlers->on_head) return self.handlers->on_head(self.reply) ? 0 : 1;
                return 0;
            });
        }
        static int32_t on_body(void* ctx, acp_bytes chunk) {
            return guarded(ctx, [&](Exchange& self) {
                std::string_view data(reinterpret_cast<const char*>(chunk.ptr), chunk.len);
                if (self.handlers && self.handlers->on_body) return self.handlers->on_body(data) ? 0 : 1;
                self.reply.body.append(data);
                return 0;
            });
        }
        static int32_t on_pull(void* ctx, acp_bytes* out) {
            auto* self = static_cast<Exchange*>(ctx);
            if (!self->handlers || !self->handlers->on_pull) return 2;
            try {
                std::string_view data;
                int answer = self->handlers->on_pull(data);
                *out = bytes(data);
                return answer;
            } catch (...) {
                self->thrown = std::current_exception();
                return 1;
            }
        }
    };

    const acp_host* raw_;
    const acp_host_log* log_ = nullptr;
    const acp_host_stream* stream_ = nullptr;
    const acp_host_http_client* http_ = nullptr;
    const acp_host_clock* clock_ = nullptr;
};

/// One reference of a stream; finishes it when dropped unfinished.
class Stream {
public:
    Stream() noexcept = default;
    /// Takes over one reference.
    Stream(const acp_host_stream* table, acp_stream* raw) noexcept : table_(table), raw_(raw) {}
    Stream(Stream&& other) noexcept
        : table_(other.table_), raw_(std::exchange(other.raw_, nullptr)), finished_(other.finished_.load()) {}
    Stream& operator=(Stream&& other) noexcept {
        if (this != &other) {
            reset();
            table_ = other.table_;
            raw_ = std::exchange(other.raw_, nullptr);
            finished_ = other.finished_.load();
        }
        return *this;
    }
    ~Stream() { reset(); }

    /// Waits for credit; false when nobody listens any more, or the host fails.
    /// Pieces larger than half the window are split. [may-block]
    bool write(uint8_t channel, std::string_view data) noexcept {
        try {
            return write_all(channel, data);
        } catch (...) {
            return false;
        }
    }
    acp_status set_events(const acp_stream_events& events) { return table_->set_events(raw_, &events); }
    acp_status headers(int status, const std::vector<std::pair<std::string, std::string>>& fields) {
        std::vector<acp_pair> raw;
        for (const auto& [name, value] : fields) raw.push_back({str(name), str(value)});
        return table_->headers(raw_, status, raw.data(), raw.size(), sizeof(acp_pair));
    }
    void consumed(uint64_t count) { table_->consumed(raw_, count); }
    bool closed() const noexcept { return !raw_ || table_->closed(raw_) != 0; }
    /// Ends the stream; of all calls of finish and fail only the first counts.
    void finish() noexcept {
        if (raw_ && !finished_.exchange(true)) table_->finish(raw_, nullptr);
    }
    void fail(acp_status status, std::string_view message) noexcept {
        if (!raw_ || finished_.exchange(true)) return;
        ErrorSlot error;
        fill(error.get(), status, message);
        table_->finish(raw_, error.get());
    }
    explicit operator bool() const noexcept { return raw_ != nullptr; }
    /// Gives the reference up without finishing (a failed open keeps it with the host).
    void forget() noexcept { raw_ = nullptr; }

private:
    bool write_all(uint8_t channel, std::string_view data) {
        const uint64_t piece_max = std::max<uint64_t>(table_->window(raw_) / 2, 1);
        while (!data.empty()) {
            auto piece = data.substr(0, static_cast<size_t>(std::min<uint64_t>(piece_max, data.size())));
            for (;;) {
                acp_status status = table_->write(raw_, channel, bytes(piece));
                if (status == ACP_OK) break;
                if (status != ACP_E_WOULD_BLOCK) return false;
                status = table_->wait_credit(raw_, piece.size(), 1000);
                if (status != ACP_OK && status != ACP_E_DEADLINE) return false;
            }
            data.remove_prefix(piece.size());
        }
        return true;
    }
    void reset() noexcept {
        if (!raw_) return;
        finish();
        table_->release(std::exchange(raw_, nullptr));
    }
    const acp_host_stream* table_ = nullptr;
    acp_stream* raw_ = nullptr;
    // Atomic: an instance that ends fails a stream which its thread may be finishing.
    std::atomic<bool> finished_{false};
};

/// Runs `body(Stream&)` by the reference rule of acp.logs/1: a body that throws
/// leaves the reference with the host; one that moved the stream away first
/// has taken it over, so its failure ends the stream instead.
template <typename Body>
acp_status lend_stream(const acp_host_stream* table, acp_stream* raw, acp_error* error, Body&& body) noexcept {
    if (!table) return fill(error, ACP_E_UNSUPPORTED, "this host has no streams");
    table->retain(raw);  // keeps `raw` usable after the body gave its reference away
    acp_status status = ACP_OK;
    bool taken = false;
    {
        Stream stream(table, raw);
        status = edge(error, [&] { body(stream); });
        taken = !stream;
        if (status != ACP_OK && !taken) stream.forget();
    }
    if (status != ACP_OK && taken) {
        if (table->closed(raw) == 0) table->finish(raw, error);
        status = ACP_OK;
    }
    table->release(raw);
    return status;
}

}  // namespace acp::sdk
