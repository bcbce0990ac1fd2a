// bundle: how this room says no: a Fault that names the path and the id.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/fault.h"
#include "base/result.h"

namespace acp::bundle {

template <typename T>
using Checked = tl::expected<T, Fault>;

/// `text` for a terminal and a log: controls and what is no UTF-8 replaced, at
/// most `most` bytes. Names inside a bundle are a stranger's words.
std::string shown(std::string_view text, std::size_t most = 200);

/// What a refusal is about.
struct Subject {
    std::filesystem::path path;
    std::string id;  ///< empty until the manifest is read

    /// The Fault "bundle PATH (ID): WHAT".
    tl::unexpected<Fault> refuse(std::string stage, std::string_view what, std::string expected, std::string found,
                                 std::string remedy) const;
    /// The first violations of an Error, as one Fault.
    tl::unexpected<Fault> refuse(std::string stage, const Error& error, std::string expected, std::string remedy) const;
};

}  // namespace acp::bundle
