#pragma once
// A Watcher for one connection: what the registry's thread wakes, asks on the connection's own.
#include <memory>
#include <optional>
#include <utility>

#include "base/executor.hpp"
#include "catalog/catalog.hpp"
#include "http/stream.hpp"

namespace rollcall::api {

/// Used on the thread of `own`, which outlives it.
class Follow {
 public:
  Follow(const Catalog& catalog, Executor& own, std::optional<ServiceName> service, Revision after)
      : own_(own),
        link_(std::make_shared<Link>()),
        watcher_(catalog, std::move(service), after, [&own, link = link_] { own.post([link] { link->call(); }); }) {}
  ~Follow() {
    link_->wake = nullptr;
    own_.cancel(timer_);
  }
  Follow(const Follow&) = delete;
  Follow& operator=(const Follow&) = delete;

  /// `wake` is called from now on when there is something to read. Read first: what is there already doesn't wake.
  void start(http::Wake wake) { link_->wake = std::move(wake); }

  /// Wakes then as well. One at a time: the earlier one counts no more.
  void wake_at(MonoTime when) {
    own_.cancel(timer_);
    timer_ = own_.post_at(when, [link = link_] { link->call(); });
  }

  [[nodiscard]] Watcher& watcher() noexcept { return watcher_; }

 private:
  /// What is still under way to a connection that has gone meets nobody here.
  struct Link {
    http::Wake wake;
    void call() const {
      if (wake) wake();
    }
  };

  Executor& own_;
  const std::shared_ptr<Link> link_;
  Watcher watcher_;
  Executor::TimerId timer_ = Executor::TimerId::none;
};

}  // namespace rollcall::api
