#include "images.h"

#include <stdexcept>

namespace acp::docker {

namespace {

using sdk::Failure;

constexpr std::int64_t kPullIdleMs = 300'000;
constexpr std::size_t kProgressLineMax = 1U << 20;

bool is_present(Engine& engine, const sdk::Call& call, const std::string& image) {
    Ask ask;
    ask.path = "/images/" + escape(image, "/:@") + "/json";
    ask.accept = {404};
    return engine.ask(call, ask).status == 200;
}

/// Without a tag the Engine would pull every one.
bool has_tag_or_digest(const std::string& image) {
    const std::size_t name = image.rfind('/');
    return image.find_first_of(":@", name == std::string::npos ? 0 : name) != std::string::npos;
}

/// The answer is a stream of JSON lines; a failure is one of them, under status 200.
class PullProgress {
public:
    bool take(std::string_view bytes) {
        for (const char c : bytes) {
            if (c == '\n') {
                read(line_);
                line_.clear();
            } else if (line_.size() < kProgressLineMax) {
                line_.push_back(c);
            }
        }
        return true;
    }
    std::string error() {
        read(line_);
        return error_;
    }

private:
    void read(const std::string& line) {
        if (line.find("\"error\"") == std::string::npos) return;
        try {
            const std::string message = json::text(json::parse_object(line), "error");
            if (error_.empty()) error_ = message;
        } catch (const std::invalid_argument&) {
            // Progress is for people; only a well-formed error counts.
        }
    }
    std::string line_, error_;
};

}  // namespace

void ensure_image(Engine& engine, const sdk::Call& call, const std::string& image) {
    const PullPolicy policy = engine.settings().pull;
    if (policy != PullPolicy::always && is_present(engine, call, image)) return;
    if (policy == PullPolicy::never)
        throw Failure(ACP_E_INVALID, "/image: " + image + " is not on the Docker Engine, and pull is never");
    PullProgress progress;
    Ask ask;
    ask.method = "POST";
    ask.path = "/images/create?fromImage=" + escape(has_tag_or_digest(image) ? image : image + ":latest");
    ask.idle_timeout_ms = kPullIdleMs;
    ask.max_body_bytes = UINT64_MAX;
    ask.accept = {400, 404, 500};
    ask.on_body = [&](std::string_view bytes) { return progress.take(bytes); };
    const sdk::HttpReply reply = engine.ask(call, ask);
    std::string error = progress.error();
    if (reply.status >= 300) {
        try {
            error = json::text(json::parse_object(reply.body), "message");
        } catch (const std::invalid_argument&) {
            error = "status " + std::to_string(reply.status);
        }
    }
    if (!error.empty()) throw Failure(ACP_E_PROVIDER, "the image " + image + " cannot be pulled: " + error);
}

}  // namespace acp::docker
