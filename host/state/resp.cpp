#include "state/resp.h"

#include <charconv>

namespace acp::state::resp {

namespace {

constexpr std::int64_t kMostBytes = 1 << 20, kMostElements = 100'000;
constexpr std::size_t kMostLine = 4096;
constexpr int kMostDepth = 3;

void append(std::string& out, char marker, std::size_t number) {
    out += marker;
    out += std::to_string(number);
    out += "\r\n";
}

template <typename Words>
std::string joined(const Words& words) {
    std::string out;
    append(out, '*', words.size());
    for (std::string_view word : words) {
        append(out, '$', word.size());
        out += word;
        out += "\r\n";
    }
    return out;
}

bool integer(std::string_view text, std::int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    std::size_t used() const { return at_; }

    Progress read(Reply& reply, int depth) {
        std::string_view line;
        if (const Progress progress = read_line(line); progress != Progress::complete) return progress;
        if (line.empty()) return Progress::malformed;
        const char marker = line.front();
        line.remove_prefix(1);
        switch (marker) {
            case '+':
                reply.kind = Reply::Kind::text;
                break;
            case '-':
                reply.kind = Reply::Kind::error;
                break;
            case ':':
                reply.kind = Reply::Kind::number;
                return integer(line, reply.number) ? Progress::complete : Progress::malformed;
            case '$':
                return read_bytes(line, reply);
            case '*':
                return read_list(line, reply, depth);
            default:
                return Progress::malformed;
        }
        reply.text = line;
        return Progress::complete;
    }

private:
    Progress read_line(std::string_view& line) {
        const auto end = bytes_.substr(at_, kMostLine).find('\n');
        if (end == std::string_view::npos) return bytes_.size() - at_ >= kMostLine ? Progress::malformed : Progress::incomplete;
        if (end == 0 || bytes_[at_ + end - 1] != '\r') return Progress::malformed;
        line = bytes_.substr(at_, end - 1);
        at_ += end + 1;
        return Progress::complete;
    }

    Progress read_bytes(std::string_view line, Reply& reply) {
        std::int64_t size = 0;
        if (!integer(line, size) || size < -1 || size > kMostBytes) return Progress::malformed;
        reply.kind = size < 0 ? Reply::Kind::null : Reply::Kind::bytes;
        if (size < 0) return Progress::complete;
        const auto length = static_cast<std::size_t>(size);
        if (bytes_.size() - at_ < length + 2) return Progress::incomplete;
        if (bytes_.substr(at_ + length, 2) != "\r\n") return Progress::malformed;
        reply.text = bytes_.substr(at_, length);
        at_ += length + 2;
        return Progress::complete;
    }

    Progress read_list(std::string_view line, Reply& reply, int depth) {
        std::int64_t size = 0;
        if (!integer(line, size) || size < -1 || size > kMostElements || depth == kMostDepth) return Progress::malformed;
        reply.kind = size < 0 ? Reply::Kind::null : Reply::Kind::list;
        // Grows with what is there and not with what is announced.
        for (std::int64_t i = 0; i < size; ++i)
            if (const Progress progress = read(reply.list.emplace_back(), depth + 1); progress != Progress::complete) return progress;
        return Progress::complete;
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
};

}  // namespace

std::string command(std::initializer_list<std::string_view> words) {
    return joined(words);
}
std::string command(const std::vector<std::string_view>& words) {
    return joined(words);
}

Progress parse(std::string_view bytes, Reply& reply, std::size_t& used) {
    reply = {};
    Reader reader(bytes);
    const Progress progress = reader.read(reply, 0);
    used = reader.used();
    return progress;
}

}  // namespace acp::state::resp
