// redact: finding values that the secret store knows, without keeping them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redact/spans.h"

namespace acp::redact {

/// Holds of each value only its length and two hashes under a random key of
/// this process, so a memory dump shows no value that was learnt. Searching is
/// linear in the text: prefix hashes give the hash of any piece in one step.
/// Not synchronised.
class KnownValues {
public:
    static constexpr std::size_t kShortest = 8;  ///< bytes; shorter values would hide everyday words

    KnownValues();
    /// Also learns the base64 spelling of `value`. Shorter than kShortest: ignored.
    void learn(std::string_view value);
    void find(std::string_view text, Spans& out) const;
    bool empty() const noexcept { return by_window_.empty(); }

private:
    struct Value {
        std::size_t length = 0;
        std::uint64_t hash = 0;
    };

    void add(std::string_view value);

    std::uint64_t base_ = 0;                                           ///< of the polynomial hash modulo 2^61-1; random
    std::vector<std::uint64_t> powers_;                                ///< base_^i up to the longest value
    std::array<std::uint64_t, 1024> seen_{};                           ///< one bit per low 16 bits of a known window
    std::unordered_map<std::uint64_t, std::vector<Value>> by_window_;  ///< by the hash of the first 8 bytes
};

}  // namespace acp::redact
