#include "bundle/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/bytes.h"
#include "bundle/names.h"
#include "bundle/owned.h"
#include "bundle/platform.h"
#include "bundle/refusal.h"

namespace acp::bundle {

namespace {

constexpr std::size_t most_names = 65536;
/// Bytes of a name that are kept: mangled ones are long.
constexpr std::size_t most_name = 4096;

class Image {
public:
    explicit Image(std::string_view bytes) : bytes_(bytes) {}

    template <typename T>
    std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return {};
        T out;
        std::memcpy(&out, bytes_.data() + offset, sizeof out);
        return out;
    }

    /// Empty when it does not lie inside the file.
    std::string_view range(std::uint64_t offset, std::uint64_t size) const {
        if (offset > bytes_.size() || bytes_.size() - offset < size) return {};
        return bytes_.substr(offset, size);
    }

private:
    std::string_view bytes_;
};

std::string name_at(std::string_view table, std::uint64_t offset) {
    if (offset >= table.size()) return {};
    table.remove_prefix(offset);
    auto end = table.find('\0');
    return end == std::string_view::npos ? std::string() : std::string(table.substr(0, end));
}

/// Visits the entries of a section that is a table of T.
template <typename T, typename Visit>
void each(const Image& image, const Elf64_Shdr& section, const Visit& visit) {
    std::string_view table = image.range(section.sh_offset, section.sh_size);
    const std::size_t count = std::min(table.size() / sizeof(T), most_names);
    for (std::size_t i = 0; i < count; ++i) visit(*image.at<T>(section.sh_offset + i * sizeof(T)));
}

void read_exports(const Image& image, const Elf64_Shdr& section, std::string_view strings, ElfFacts& out) {
    each<Elf64_Sym>(image, section, [&](const Elf64_Sym& symbol) {
        const auto bind = ELF64_ST_BIND(symbol.st_info);
        const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        // The name of a version node is an absolute symbol, and nothing to bind to.
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || bind == STB_LOCAL) return;
        if (visibility == STV_HIDDEN || visibility == STV_INTERNAL) return;
        if (std::string name = name_at(strings, symbol.st_name); !name.empty())
            out.exports.push_back(shown(name, most_name));
    });
}

void read_needed(const Image& image, const Elf64_Shdr& section, std::string_view strings, ElfFacts& out) {
    each<Elf64_Dyn>(image, section, [&](const Elf64_Dyn& entry) {
        if (entry.d_tag == DT_NEEDED) out.needed.push_back(shown(name_at(strings, entry.d_un.d_val), most_name));
    });
}

void read_versions(const Image& image, const Elf64_Shdr& section, std::string_view strings, ElfFacts& out) {
    constexpr std::string_view prefix = "GLIBC_";
    std::uint64_t at = section.sh_offset;
    std::size_t seen = 0;
    for (;;) {
        auto library = image.at<Elf64_Verneed>(at);
        if (!library || ++seen > most_names) return;
        std::uint64_t of_version = at + library->vn_aux;
        for (int i = 0; i < library->vn_cnt; ++i) {
            auto version = image.at<Elf64_Vernaux>(of_version);
            if (!version || ++seen > most_names) return;
            std::string name = name_at(strings, version->vna_name);
            // GLIBC_PRIVATE and GLIBC_ABI_DT_RELR are no versions.
            if (name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] >= '0' &&
                name[prefix.size()] <= '9') {
                std::string number = name.substr(prefix.size());
                number.resize(std::min(number.find('.', number.find('.') + 1), number.size()));  // 2.2.5 is 2.2
                if (out.libc_min.empty() || compare_libc(out.libc_min, number) < 0) out.libc_min = std::move(number);
            }
            if (version->vna_next == 0) break;
            of_version += version->vna_next;
        }
        if (library->vn_next == 0) return;
        at += library->vn_next;
    }
}

std::string arch_of(Elf64_Half machine) {
    if (machine == EM_X86_64) return "x86_64";
    if (machine == EM_AARCH64) return "aarch64";
    return "ELF machine " + std::to_string(machine);
}

}  // namespace

Result<ElfFacts> read_elf(std::string_view bytes) {
    auto refuse = [](const std::string& why) { return fail(Code::invalid, "no_shared_object", why); };
    const Image image(bytes);
    auto header = image.at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return refuse("is no ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_DYN)
        return refuse("is no 64-bit little-endian ELF shared object");
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0)
        return refuse("has no section table; build it without stripping that");
    ElfFacts out;
    int tables = 0;
    out.arch = arch_of(header->e_machine);
    for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
        auto section = image.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
        if (!section) return refuse("is cut off: its section table lies behind its end");
        const bool is_wanted =
            section->sh_type == SHT_DYNSYM || section->sh_type == SHT_DYNAMIC || section->sh_type == SHT_GNU_verneed;
        if (!is_wanted) continue;
        // A linker makes one of each; many over the same bytes would take hours.
        if (++tables > 8) return refuse("is damaged: it has too many symbol tables");
        auto linked = image.at<Elf64_Shdr>(header->e_shoff + std::uint64_t{section->sh_link} * sizeof(Elf64_Shdr));
        if (section->sh_link >= header->e_shnum || !linked || image.range(section->sh_offset, section->sh_size).empty())
            return refuse("is damaged: a section lies behind its end");
        std::string_view strings = image.range(linked->sh_offset, linked->sh_size);
        if (section->sh_type == SHT_DYNSYM) read_exports(image, *section, strings, out);
        if (section->sh_type == SHT_DYNAMIC) read_needed(image, *section, strings, out);
        if (section->sh_type == SHT_GNU_verneed) read_versions(image, *section, strings, out);
    }
    std::sort(out.exports.begin(), out.exports.end());
    out.exports.erase(std::unique(out.exports.begin(), out.exports.end()), out.exports.end());
    out.sha256 = sha256_hex(bytes);
    out.size = static_cast<std::int64_t>(bytes.size());
    return out;
}

Result<ElfFacts> read_elf_file(const std::filesystem::path& file) {
    std::error_code ec;
    const bool is_file = std::filesystem::is_regular_file(file, ec);
    const auto size = is_file ? std::filesystem::file_size(file, ec) : 0;
    auto refuse = [&](const std::string& why) {
        return fail(Code::invalid, "no_shared_object", file.string() + ' ' + why);
    };
    if (ec || !is_file) return refuse(ec ? "cannot be read: " + ec.message() : "is no file");
    if (size > static_cast<std::uintmax_t>(most_bundle_bytes)) return refuse("has more than 512 MiB");
    std::string bytes(size, '\0');
    std::ifstream stream(file, std::ios::binary);
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(size)))
        return refuse("cannot be read: " + system_reason());
    auto facts = read_elf(bytes);
    if (!facts) return refuse(facts.error().message);
    return facts;
}

}  // namespace acp::bundle
