#include <algorithm>

#include "wire/exchange.h"
#include "wire/loop.h"

namespace acp::wire {

bool acceptable_request_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

void Responder::send(http::Response response) const {
    if (control_->answered.exchange(true, std::memory_order_acq_rel)) return;
    // std::function copies, a response cannot be copied.
    auto shared = std::make_shared<http::Response>(std::move(response));
    control_->loop->post([control = control_, shared] {
        if (control->target) control->target->complete(std::move(*shared));
    });
}

void Responder::resume(std::function<void(Exchange&)> task) const {
    if (control_->answered.exchange(true, std::memory_order_acq_rel)) return;
    control_->loop->post([control = control_, task = std::move(task)] {
        if (control->target) control->target->resumed(task);
    });
}

void Responder::after(std::int64_t ms, std::function<void()> task) const {
    Loop* loop = control_->loop;
    loop->post([loop, ms, task = std::move(task)] { loop->after(ms, task); });
}

}  // namespace acp::wire
