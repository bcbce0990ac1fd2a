// wire: connection timeouts. Every timeout of one kind lasts equally long, so
// a list in order of arming is sorted by deadline: arming, disarming and
// finding the next to expire are O(1) and allocate nothing.
#pragma once

#include <algorithm>
#include <cstdint>

namespace acp::wire {

class TimeoutList;

/// How exactly these timeouts are kept.
inline constexpr std::int64_t kTickNs = 100'000'000;

/// Embedded in what can time out; armed in at most one list.
class TimeoutNode {
public:
    TimeoutNode() = default;
    TimeoutNode(const TimeoutNode&) = delete;
    TimeoutNode& operator=(const TimeoutNode&) = delete;
    virtual void on_timeout(TimeoutList& list) = 0;
    /// Has to go at once, in favour of somebody else.
    virtual void on_evicted() = 0;
    void disarm() noexcept;
    bool armed_in(const TimeoutList& list) const noexcept { return list_ == &list; }

    virtual ~TimeoutNode() { disarm(); }

private:
    friend class TimeoutList;
    TimeoutNode* previous_ = nullptr;
    TimeoutNode* next_ = nullptr;
    TimeoutList* list_ = nullptr;
    std::int64_t deadline_ns_ = 0;
};

class TimeoutList {
public:
    explicit TimeoutList(std::int64_t duration_ms) noexcept : duration_ns_(duration_ms * 1'000'000), slack_ns_(std::min(duration_ns_ / 16, kTickNs)) {}
    TimeoutList(const TimeoutList&) = delete;
    TimeoutList& operator=(const TimeoutList&) = delete;

    /// Arming again within a moment changes nothing: the limit comes up to that
    /// much early, and a busy connection leaves its neighbours in the list alone.
    void arm(TimeoutNode& node, std::int64_t now_ns) noexcept {
        if (node.list_ == this && now_ns + duration_ns_ - node.deadline_ns_ < slack_ns_) return;
        node.disarm();
        node.deadline_ns_ = now_ns + duration_ns_;
        node.list_ = this;
        node.previous_ = last_;
        (last_ ? last_->next_ : first_) = &node;
        last_ = &node;
    }
    /// Deadline of the first to expire, or INT64_MAX.
    std::int64_t next_deadline() const noexcept { return first_ ? first_->deadline_ns_ : INT64_MAX; }
    /// Evicts the one that was armed first; false when there is none.
    bool evict_first() {
        if (!first_) return false;
        TimeoutNode* node = first_;
        node->disarm();
        node->on_evicted();
        return true;
    }
    void expire(std::int64_t now_ns) {
        while (first_ && first_->deadline_ns_ <= now_ns) {
            TimeoutNode* node = first_;
            node->disarm();
            node->on_timeout(*this);
        }
    }

private:
    friend class TimeoutNode;
    TimeoutNode* first_ = nullptr;
    TimeoutNode* last_ = nullptr;
    const std::int64_t duration_ns_;
    const std::int64_t slack_ns_;
};

inline void TimeoutNode::disarm() noexcept {
    if (!list_) return;
    (previous_ ? previous_->next_ : list_->first_) = next_;
    (next_ ? next_->previous_ : list_->last_) = previous_;
    previous_ = next_ = nullptr;
    list_ = nullptr;
}

}  // namespace acp::wire
