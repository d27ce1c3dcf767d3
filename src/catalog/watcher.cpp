#include "catalog/catalog_impl.hpp"

namespace rollcall {

struct Watcher::Impl {
  std::shared_ptr<WatchHub> hub;
  WatchHub::Follower follower;
};

Watcher::Watcher(const Catalog& catalog, std::optional<ServiceName> service, Revision after, std::function<void()> wake)
    : impl_(std::make_unique<Impl>(
          catalog.impl_->hub,
          WatchHub::Follower{
              .service = std::move(service), .after = after, .epoch = 0, .wake = std::move(wake), .armed = true})) {
  impl_->hub->enroll(impl_->follower, *catalog.impl_->slots);
}

Watcher::~Watcher() { impl_->hub->leave(impl_->follower); }

Result<std::vector<NoticePtr>> Watcher::next(std::size_t limit) { return impl_->hub->next(impl_->follower, limit); }

std::size_t Watcher::behind() const { return impl_->hub->behind(impl_->follower); }

}  // namespace rollcall
