#include "wire/http1/parse.h"

namespace acp::wire::http1 {

std::string_view refusal_name(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::none:
            return "none";
        case Refusal::bad_request_line:
            return "bad_request_line";
        case Refusal::unknown_method:
            return "unknown_method";
        case Refusal::bad_target:
            return "bad_target";
        case Refusal::bad_version:
            return "bad_version";
        case Refusal::bare_lf:
            return "bare_lf";
        case Refusal::bare_cr:
            return "bare_cr";
        case Refusal::nul_byte:
            return "nul_byte";
        case Refusal::obs_fold:
            return "obs_fold";
        case Refusal::space_before_colon:
            return "space_before_colon";
        case Refusal::bad_field_name:
            return "bad_field_name";
        case Refusal::bad_field_value:
            return "bad_field_value";
        case Refusal::missing_host:
            return "missing_host";
        case Refusal::duplicate_host:
            return "duplicate_host";
        case Refusal::bad_host:
            return "bad_host";
        case Refusal::host_mismatch:
            return "host_mismatch";
        case Refusal::bad_content_length:
            return "bad_content_length";
        case Refusal::length_and_chunked:
            return "length_and_chunked";
        case Refusal::bad_transfer_coding:
            return "bad_transfer_coding";
        case Refusal::bad_expect:
            return "bad_expect";
        case Refusal::bad_upgrade:
            return "bad_upgrade";
        case Refusal::head_too_large:
            return "head_too_large";
        case Refusal::too_many_fields:
            return "too_many_fields";
        case Refusal::target_too_long:
            return "target_too_long";
        case Refusal::bad_chunk_size:
            return "bad_chunk_size";
        case Refusal::bad_chunk_extension:
            return "bad_chunk_extension";
        case Refusal::bad_chunk_end:
            return "bad_chunk_end";
        case Refusal::bad_trailer:
            return "bad_trailer";
        case Refusal::bad_status_line:
            return "bad_status_line";
        case Refusal::last_:
            break;
    }
    return "none";
}

int refusal_status(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::bad_version:
            return 505;
        case Refusal::unknown_method:
            return 501;
        case Refusal::bad_expect:
            return 417;
        case Refusal::head_too_large:
        case Refusal::too_many_fields:
            return 431;
        case Refusal::target_too_long:
            return 414;
        default:
            return 400;
    }
}

}  // namespace acp::wire::http1
