#pragma once
// What other threads hand to an io_context, which is woken once for all that has come since it last looked. A commit
// answers dozens of connections: a post for each would be a lock and a wake-up for each.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace rollcall::http {

/// One for each io_context, made when it is first asked for.
class Inlet final : public boost::asio::execution_context::service {
 public:
  using key_type = Inlet;
  using Task = std::move_only_function<void()>;
  static inline boost::asio::execution_context::id id;

  explicit Inlet(boost::asio::execution_context& owner) : service(owner) {}

  static Inlet& of(const boost::asio::any_io_executor& executor) {
    return boost::asio::use_service<Inlet>(boost::asio::query(executor, boost::asio::execution::context));
  }

  /// Any thread. Tasks run on the io_context's thread, those of one poster in their order.
  void post(const boost::asio::any_io_executor& executor, Task task) {
    {
      const std::scoped_lock lock(mutex_);
      waiting_.push_back(std::move(task));
      if (waiting_.size() > 1) return;
    }
    boost::asio::post(executor, [this] { run(); });
  }

 private:
  void run() {
    {
      const std::scoped_lock lock(mutex_);
      running_.swap(waiting_);
    }
    std::exception_ptr failure;  // a defect of one task doesn't take the others with it
    for (auto& task : running_) {
      try {
        task();
      } catch (...) {
        failure = std::current_exception();
      }
    }
    running_.clear();
    if (failure) std::rethrow_exception(failure);
  }
  void shutdown() override {
    running_.clear();
    waiting_.clear();
  }

  std::mutex mutex_;
  std::vector<Task> waiting_;  // guarded by mutex_
  std::vector<Task> running_;  // of the io_context's thread
};

}  // namespace rollcall::http
