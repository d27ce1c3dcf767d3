#include "watchers.hpp"

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// From an event's application to its being read, when nothing is wrong.
constexpr Duration kPromptness = 1s;

}  // namespace

Watchers::Watchers(World& world, const LogModel& log, std::deque<Node>& nodes)
    : world_(world), log_(log), nodes_(nodes), random_(world.random.fork("watchers")) {
  for (std::size_t i = 0; i < world.config.watchers; ++i) {
    Follower follower;
    if (random_.chance(0.6)) follower.service = ServiceName(fmt::format("s{}", random_.below(world.config.services)));
    follower.page = 1 + random_.below(random_.chance(0.5) ? 4 : 1000);
    followers_.push_back(std::move(follower));
  }
}

void Watchers::connect(Node& node) {
  for (Follower& follower : followers_) {
    if (follower.node == nullptr) follow(follower, node);
  }
}

void Watchers::disconnect(Node& node) {
  for (Follower& follower : followers_) {
    if (follower.node != &node) continue;
    follower.watcher.reset();
    follower.node = nullptr;
    ++follower.life;
    if (Node* const other = any_node()) follow(follower, *other);
  }
}

Node* Watchers::any_node() {
  std::vector<Node*> serving;
  for (Node& node : nodes_) {
    if (node.serves()) serving.push_back(&node);
  }
  if (serving.empty()) return nullptr;
  return serving.size() == 1 ? serving.front() : random_.pick(serving);
}

void Watchers::act() {
  if (any_node() == nullptr || followers_.empty()) return;
  Follower& follower = followers_[random_.below(followers_.size())];
  follower.watcher.reset();
  ++follower.life;
  world_.scheduler.after(random_.about(500ms), [this, &follower, life = follower.life] {
    Node* const node = any_node();
    if (node != nullptr && follower.life == life) follow(follower, *node);
  });
}

void Watchers::follow(Follower& follower, Node& node) {
  follower.thread = random_.below(world_.config.io_threads);
  follower.watcher.reset();
  follower.node = &node;
  const auto life = ++follower.life;
  const auto wake = [this, &follower, &node, life] {
    node.process->io_thread(follower.thread).post([this, &follower, life] {
      if (follower.life == life && follower.watcher) read_on(follower);
    });
  };
  follower.watcher = std::make_unique<Watcher>(node.process->catalog(), follower.service, follower.cursor, wake);
  wake();
}

void Watchers::read_on(Follower& follower) {
  const auto notices = follower.watcher->next(follower.page);
  if (!notices) return start_over(follower);
  check_page(follower, *notices);
  if (notices->empty()) return;
  follower.node->process->io_thread(follower.thread).post([this, &follower, life = follower.life] {
    if (follower.life == life && follower.watcher) read_on(follower);
  });
}

void Watchers::check_page(Follower& follower, const std::vector<NoticePtr>& notices) {
  auto& verdict = world_.verdict;
  if (notices.size() > follower.page) verdict.broken("a page has its limit", "{}", notices.size());
  for (const auto& notice : notices) {
    const auto& event = notice->event;
    const auto expected = log_.first_after(follower.cursor, service_of(follower));
    if (!expected || expected->revision != event->revision) {
      verdict.broken("a watcher misses nothing unmarked", "after {} of \"{}\" came {} instead of {}",
                     follower.cursor.value, service_of(follower), event->revision.value,
                     expected ? expected->revision.value : 0);
    }
    follower.cursor = event->revision;
  }
  if (notices.empty()) {
    if (const auto missed = missing(follower)) {
      verdict.broken("a watcher misses nothing unmarked", "\"{}\" was told of nothing after {}, but there is {}",
                     service_of(follower), follower.cursor.value, missed->revision.value);
    }
  }
}

// It reads the state as a whole, and goes on from there.
void Watchers::start_over(Follower& follower) {
  const Process& process = *follower.node->process;
  const auto reached = process.catalog().revision();
  follower.node->note("watcher of \"{}\" starts over: {} to {}", service_of(follower), follower.cursor.value,
                      reached.value);
  std::size_t after_cursor = 0;
  for (const auto& event : log_.after(follower.cursor)) after_cursor += event->revision <= reached ? 1 : 0;
  if (follower.cursor >= process.began_at() && after_cursor < world_.config.limits.catalog.recent_events) {
    world_.verdict.broken("a watcher starts over only if it must", "at {} with {} events to come, began at {}",
                          follower.cursor.value, after_cursor, process.began_at().value);
  }
  follower.cursor = reached;
  follow(follower, *follower.node);
}

EventPtr Watchers::missing(const Follower& follower) const {
  const auto next = log_.first_after(follower.cursor, service_of(follower));
  return next && next->revision <= follower.node->process->catalog().revision() ? next : nullptr;
}

void Watchers::check_awake() {
  for (Follower& follower : followers_) {
    const bool behind = follower.watcher && missing(follower);
    if (!behind || follower.cursor != follower.behind_at) {
      follower.behind_at = behind ? follower.cursor : Revision{};
      follower.behind_since = world_.now();
      follower.excused_then = world_.excused();
      continue;
    }
    const Duration since = world_.now() - follower.behind_since - (world_.excused() - follower.excused_then);
    if (follower.behind_at && since > kPromptness) {
      world_.verdict.broken("a watcher is woken", "\"{}\" sleeps at {}, the catalog is at {}", service_of(follower),
                            follower.cursor.value, follower.node->process->catalog().revision().value);
    }
  }
}

void Watchers::check_settled() {
  for (Follower& follower : followers_) {
    if (follower.watcher && missing(follower)) {
      world_.verdict.broken("a watcher is at the end in the end", "\"{}\" at {}", service_of(follower),
                            follower.cursor.value);
    }
  }
}

}  // namespace rollcall::sim
