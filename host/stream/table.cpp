// acp.host.stream/1: the C functions, each a guarded call into Stream.
#include <new>

#include "abi/error.h"
#include "stream/stream.h"

namespace acp::stream {

namespace {

Stream& of(acp_stream* handle) noexcept { return *reinterpret_cast<Stream*>(handle); }

template <typename Body>
acp_status guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return ACP_E_EXHAUSTED;
    } catch (...) {
        return ACP_E_INTERNAL;
    }
}

acp_status set_events(acp_stream* stream, const acp_stream_events* events) {
    if (!events || events->struct_size < sizeof(acp_stream_events)) return ACP_E_INVALID;
    return guarded([&] { return of(stream).set_events(*events); });
}

acp_status headers(acp_stream* stream, std::int32_t status, const acp_pair* fields, std::size_t count,
                   std::size_t field_size) {
    if (status < 200 || status > 599 || (count > 0 && (!fields || field_size < sizeof(acp_pair)))) return ACP_E_INVALID;
    return guarded([&] {
        Headers headers{status, {}};
        const auto* at = reinterpret_cast<const unsigned char*>(fields);
        for (std::size_t i = 0; i < count; ++i, at += field_size) {
            const auto* field = reinterpret_cast<const acp_pair*>(at);
            headers.fields.emplace_back(abi::text(field->name), abi::text(field->value));
        }
        return of(stream).headers(std::move(headers));
    });
}

acp_status write(acp_stream* stream, std::uint8_t channel, acp_bytes bytes) {
    if (!bytes.ptr && bytes.len > 0) return ACP_E_INVALID;
    return guarded(
        [&] { return of(stream).write(channel, {reinterpret_cast<const char*>(bytes.ptr), bytes.len}); });
}

std::uint64_t credit(acp_stream* stream) { return of(stream).credit(); }
std::uint64_t window(acp_stream* stream) { return of(stream).window(); }

acp_status wait_credit(acp_stream* stream, std::uint64_t bytes, std::int64_t timeout_ms) {
    if (bytes > of(stream).window()) return ACP_E_INVALID;
    return guarded([&] { return of(stream).wait_credit(bytes, timeout_ms); });
}

void consumed(acp_stream* stream, std::uint64_t bytes) { of(stream).consumed(bytes); }

void finish(acp_stream* stream, acp_error* error) {
    guarded([&] {
        std::optional<Error> failure;
        if (error) {
            failure = abi::take_error(error->code, *error, "the stream");
        }
        of(stream).finish(std::move(failure));
        return ACP_OK;
    });
}

std::int32_t closed(acp_stream* stream) { return of(stream).closed() ? 1 : 0; }
void retain(acp_stream* stream) { of(stream).retain(); }
void release(acp_stream* stream) { of(stream).release(); }

}  // namespace

const acp_host_stream* stream_table() noexcept {
    static const acp_host_stream table = {sizeof(acp_host_stream), 0,      &set_events, &headers, &write, &credit,
                                          &window,                 &wait_credit, &consumed,   &finish,  &closed, &retain,
                                          &release};
    return &table;
}

}  // namespace acp::stream
