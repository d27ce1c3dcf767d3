#include "catalog/watch_hub.hpp"

#include <algorithm>
#include <utility>

namespace rollcall {

void WatchHub::enroll(Follower& follower, const SlotTable& slots) {
  const std::scoped_lock lock(mutex_);
  follower.epoch = epoch_;
  if (follower.service) {
    auto& topic = topics_[follower.service->str()];
    if (!topic) {
      topic = std::make_unique<Topic>();
      // None of the service's events is here. Its last one is the floor, unless it is too old for the catalog to know.
      // (While an event is between the views and add(), this may ask for one start too many; never for one too few.)
      const auto slot = slots.find(follower.service->view());
      topic->floor = slot ? Revision{slot->last_revision.load(std::memory_order_acquire)} : all_.floor;
    }
  }
  topic_of(follower).followers.push_back(follower);
}

void WatchHub::leave(Follower& follower) {
  const std::scoped_lock lock(mutex_);
  Followers& followers = topic_of(follower).followers;
  followers.erase(followers.iterator_to(follower));
  if (follower.service) drop_if_idle(follower.service->view());
}

Result<std::vector<NoticePtr>> WatchHub::next(Follower& follower, std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  const auto& topic = topic_of(follower);
  if (follower.epoch != epoch_) return fail(ErrorCode::compacted, "the log has been replaced: start over");
  if (follower.after < topic.floor) return fail(ErrorCode::compacted, "older than what is kept in memory: start over");
  const auto begin = first_after(topic, follower.after);
  const auto there = static_cast<std::size_t>(topic.notices.end() - begin);
  std::vector<NoticePtr> notices(begin, begin + static_cast<std::ptrdiff_t>(std::min(limit, there)));
  if (!notices.empty()) follower.after = notices.back()->event->revision;
  follower.armed = true;
  return notices;
}

std::size_t WatchHub::behind(const Follower& follower) {
  const std::scoped_lock lock(mutex_);
  const auto& topic = topic_of(follower);
  return static_cast<std::size_t>(topic.notices.end() - first_after(topic, follower.after));
}

std::deque<NoticePtr>::const_iterator WatchHub::first_after(const Topic& topic, Revision after) {
  // Who keeps up asks for the newest alone.
  if (topic.notices.empty() || topic.notices.back()->event->revision <= after) return topic.notices.end();
  return std::ranges::upper_bound(topic.notices, after, {}, [](const NoticePtr& n) { return n->event->revision; });
}

void WatchHub::add(std::span<const Step> steps) {
  const std::scoped_lock lock(mutex_);
  std::vector<Topic*> touched;
  for (const auto& [notice, service_before] : steps) {
    if (all_.notices.size() >= most_) evict_oldest();
    all_.notices.push_back(notice);
    auto& topic = topics_[notice->event->instance->spec.service.str()];
    if (!topic) {
      topic = std::make_unique<Topic>();
      topic->floor = service_before.value_or(all_.floor);
    }
    topic->notices.push_back(notice);
    if (!topic->followers.empty()) touched.push_back(topic.get());
  }
  for (auto* topic : touched) wake_armed(*topic);
  if (!steps.empty()) wake_armed(all_);
}

void WatchHub::start_over(Revision revision, bool other_generation) {
  const std::scoped_lock lock(mutex_);
  if (other_generation) ++epoch_;
  // Events between what is here and `revision` were never seen: nobody may step over them unmarked.
  std::vector<std::string> idle;
  all_.notices.clear();
  all_.floor = revision;
  wake_armed(all_);
  for (auto& [name, topic] : topics_) {
    topic->notices.clear();
    topic->floor = revision;
    wake_armed(*topic);
    if (topic->followers.empty()) idle.push_back(name);
  }
  for (const auto& name : idle) topics_.erase(name);
}

WatchHub::Topic& WatchHub::topic_of(const Follower& follower) {
  return follower.service ? *topics_.find(follower.service->view())->second : all_;
}

void WatchHub::evict_oldest() {
  const auto event = all_.notices.front()->event;
  all_.notices.pop_front();
  all_.floor = event->revision;
  // The oldest event of all is the oldest of its service too.
  const auto service = event->instance->spec.service.view();
  auto& topic = *topics_.find(service)->second;
  topic.notices.pop_front();
  topic.floor = event->revision;
  drop_if_idle(service);
}

void WatchHub::wake_armed(Topic& topic) {
  for (auto& follower : topic.followers) {
    if (std::exchange(follower.armed, false)) follower.wake();
  }
}

void WatchHub::drop_if_idle(std::string_view service) {
  const auto found = topics_.find(service);
  if (found == topics_.end()) return;
  if (found->second->followers.empty() && found->second->notices.empty()) topics_.erase(found);
}

}  // namespace rollcall
