// wire/http2: memory of streams. A stream is some ten small blocks that live
// and die together, more than malloc keeps at hand for a thread; here what is
// freed waits by size for the thread's next stream.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>

namespace acp::wire::http2 {

/// At least `size` bytes, aligned for anything; null when there are none. Give
/// them back on the same thread.
void* take_block(std::size_t size) noexcept;
void give_block(void* block) noexcept;

/// The same for the library.
nghttp2_mem* session_memory() noexcept;

}  // namespace acp::wire::http2
