#include "net/io_executor.hpp"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "net/context_executor.hpp"
#include "net/io_loop.hpp"

namespace rollcall::net {

namespace asio = boost::asio;

struct IoExecutor::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  ContextExecutor executor{context};
  std::thread thread;
};

IoExecutor::IoExecutor(const std::string& thread_name) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([impl = impl_.get(), thread_name] {
    ::pthread_setname_np(::pthread_self(), thread_name.substr(0, 15).c_str());
    run_io_loop(impl->context, "net");
  });
}

IoExecutor::~IoExecutor() { stop(); }

void IoExecutor::post(Task task) { impl_->executor.post(std::move(task)); }

Executor::TimerId IoExecutor::post_at(MonoTime when, Task task) {
  return impl_->executor.post_at(when, std::move(task));
}

void IoExecutor::cancel(TimerId timer) { impl_->executor.cancel(timer); }

void IoExecutor::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->executor.drop_timers();
    impl->work.reset();
  });
  impl_->thread.join();
}

}  // namespace rollcall::net
