// wire/http2: nghttp2's handles, owned.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>

namespace acp::wire::http2 {

struct SessionDelete {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionDelete>;

struct CallbacksDelete {
    void operator()(nghttp2_session_callbacks* callbacks) const noexcept { nghttp2_session_callbacks_del(callbacks); }
};
using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, CallbacksDelete>;

struct OptionDelete {
    void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
};
using OptionPtr = std::unique_ptr<nghttp2_option, OptionDelete>;

}  // namespace acp::wire::http2
