#include "sim_thread.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace rollcall::sim {

using namespace std::chrono_literals;

struct SimThread::Core : std::enable_shared_from_this<Core> {
  struct Item {
    MonoTime ready_at;
    std::uint64_t timer;
    Task task;
  };

  Core(Node& n, std::string thread_name)
      : node(n), world(n.world), name(std::move(thread_name)), random(world.random.fork(name)) {}

  // A poster that is in the middle of a long task posts later than others that run after it.
  void enqueue(std::uint64_t timer, Task task) {
    const MonoTime ready_at = world.now();
    const auto place = std::ranges::upper_bound(ready, ready_at, {}, &Item::ready_at);
    ready.insert(place, Item{ready_at, timer, std::move(task)});
    turn_at(ready_at + wake_latency());
  }

  // One turn for each task, so a turn always finds one that is ready, unless it was cancelled.
  void turn_at(MonoTime when) {
    world.scheduler.at(when, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->turn();
    });
  }

  // Mostly microseconds; sometimes the machine is busy, rarely the thread isn't run for long.
  Duration wake_latency() {
    if (!world.quiet && random.chance(world.config.hiccup)) {
      const Duration late = random.between(20ms, 300ms);
      world.excuse(late);
      stalled_until = std::max(stalled_until, world.now() + late);
      return late;
    }
    return random.chance(0.03) ? random.between(30us, 3ms) : random.between(1us, 30us);
  }

  void turn() {
    if (!node.lives || ready.empty()) return;
    const MonoTime free_at = std::max(stalled_until, busy_until);
    if (world.now() < free_at) return turn_at(free_at);
    if (ready.front().ready_at > world.now()) return turn_at(ready.front().ready_at);
    Item item = std::move(ready.front());
    ready.pop_front();
    item.task();
    busy_until = world.now();
  }

  void timer_due(std::uint64_t id) {
    const auto found = timers.find(id);
    if (found == timers.end()) return;
    Task task = std::move(found->second);
    timers.erase(found);
    enqueue(id, std::move(task));
  }

  Node& node;
  World& world;
  const std::string name;
  SimRandom random;
  std::deque<Item> ready;
  std::map<std::uint64_t, Task> timers;
  std::uint64_t last_timer = 0;
  MonoTime busy_until{}, stalled_until{};
};

SimThread::SimThread(Node& node, std::string name) : core_(std::make_shared<Core>(node, std::move(name))) {}
SimThread::~SimThread() { clear(); }

void SimThread::post(Task task) {
  if (core_->node.lives) core_->enqueue(0, std::move(task));
}

Executor::TimerId SimThread::post_at(MonoTime when, Task task) {
  const std::uint64_t id = ++core_->last_timer;
  if (!core_->node.lives) return TimerId{id};
  core_->timers.emplace(id, std::move(task));
  core_->world.scheduler.at(when, [weak = core_->weak_from_this(), id] {
    if (const auto self = weak.lock()) self->timer_due(id);
  });
  return TimerId{id};
}

void SimThread::cancel(TimerId timer) {
  const auto id = std::to_underlying(timer);
  if (id == 0) return;
  core_->timers.erase(id);
  std::erase_if(core_->ready, [id](const Core::Item& item) { return item.timer == id; });
}

void SimThread::stall_until(MonoTime when) { core_->stalled_until = std::max(core_->stalled_until, when); }

// Destroying a task may destroy what posts or cancels, so nothing is destroyed while it is being looked at.
void SimThread::clear() {
  const auto ready = std::exchange(core_->ready, {});
  const auto timers = std::exchange(core_->timers, {});
}

void SimTurnBarrier::after_all_turned(Task done) {
  struct Count {
    std::size_t missing;
    Task done;
  };
  const auto count = std::make_shared<Count>(threads_.size(), std::move(done));
  for (SimThread* thread : threads_) {
    thread->post([count] {
      if (--count->missing == 0) count->done();
    });
  }
}

}  // namespace rollcall::sim
