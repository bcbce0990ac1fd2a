// wire: bytes on their way out. Unlike std::string it grows without filling
// and can be written in place.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace acp::wire {

class Buffer {
public:
    Buffer() noexcept = default;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }

    const char* data() const noexcept { return data_.get(); }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::string_view view() const noexcept { return {data_.get(), size_}; }

    /// Room for `count` more bytes; what is written there counts after `commit`.
    char* tail(std::size_t count) {
        if (capacity_ - size_ < count) grow(count);
        return data_.get() + size_;
    }
    /// `end`: behind the last byte that was written to `tail`.
    void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }
    Buffer& operator+=(std::string_view bytes) {
        if (bytes.empty()) return *this;
        std::memcpy(tail(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
        return *this;
    }
    void clear() noexcept { size_ = 0; }
    /// Empties it and gives the memory back.
    void release() noexcept { Buffer().swap(*this); }
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    [[gnu::noinline]] void grow(std::size_t count) {
        const std::size_t capacity = std::max({size_ + count, capacity_ * 2, std::size_t{1024}});
        std::unique_ptr<char[]> data(new char[capacity]);
        if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
        data_ = std::move(data);
        capacity_ = capacity;
    }
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace acp::wire
