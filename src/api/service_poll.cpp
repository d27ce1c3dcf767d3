// GET /services/{name}?index=N&wait=30s: the service as soon as it is newer than N.
#include "api/answers.hpp"
#include "api/follow.hpp"
#include "api/query.hpp"
#include "api/service_read.hpp"
#include "codec/fields.hpp"

namespace rollcall::api {
namespace {

/// The service now, and the revision up to which that is true of it. Of an absent one: its removal, or later.
struct Seen {
  boost::local_shared_ptr<const ServiceView> view;
  Revision index;
};

Seen see(const ApiParts& parts, std::string_view name) {
  for (;;) {
    // In this order: no event up to either of them is missing from what is found afterwards.
    const auto last = parts.reader.last_revision(name);
    const auto all = parts.catalog.revision();
    auto view = parts.reader.find(name);
    if (view) return {view, view->service.revision};
    if (parts.reader.last_revision(name) == last) return {nullptr, std::max(last, all)};
  }
}

Response answer_seen(const ApiParts& parts, std::string_view name) {
  const auto seen = see(parts, name);
  auto answer = seen.view ? service_answer(parts, seen.view) : service_not_found(name);
  answer.headers.push_back({"X-Rollcall-Index", std::to_string(seen.index.value)});
  answer.headers.push_back({"X-Rollcall-Generation", std::to_string(parts.catalog.generation().value)});
  return answer;
}

class HeldService final : public http::HeldAnswer {
 public:
  HeldService(PartsPtr parts, ServiceName name, Revision after, MonoTime deadline)
      : parts_(std::move(parts)),
        name_(std::move(name)),
        after_(after),
        deadline_(deadline),
        follow_(parts_->catalog, parts_->own, name_, after) {}

  void start(http::Wake wake) override {
    follow_.start(std::move(wake));
    follow_.wake_at(deadline_);
  }

  std::optional<Response> poll(http::Hurry hurry) override {
    if (hurry == http::Hurry::no && parts_->clock.now() < deadline_ && !changed()) return std::nullopt;
    return answer_seen(*parts_, name_.view());
  }

 private:
  // A log that doesn't reach back that far is a reason to look as well.
  bool changed() {
    const auto next = follow_.watcher().next(1);
    return !next || !next->empty() || parts_->reader.last_revision(name_.view()) > after_;
  }

  const PartsPtr parts_;
  const ServiceName name_;
  const Revision after_;
  const MonoTime deadline_;
  Follow follow_;
};

Result<std::chrono::milliseconds> wait_of(const ApiParts& parts, std::string_view query) {
  const auto& limits = parts.limits.watch;
  const auto text = http::query_value(query, "wait");
  if (!text) return std::unexpected(text.error());
  if (!*text) return limits.wait_default;
  const auto wait = codec::parse_duration(**text, "wait");
  if (!wait) return std::unexpected(wait.error());
  return std::min(*wait, limits.wait_max);
}

}  // namespace

Result<Answer> poll_service(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {"index", "generation", "wait"}); !ok) {
    return std::unexpected(ok.error());
  }
  const auto name = service_param(*parts, request);
  if (!name) return std::unexpected(name.error());
  const auto index = whole_number(request.query, "index", 0, kMaxRevision);
  if (!index) return std::unexpected(index.error());
  const auto generation = whole_number(request.query, "generation", 0, kMaxRevision);
  if (!generation) return std::unexpected(generation.error());
  const auto wait = wait_of(*parts, request.query);
  if (!wait) return std::unexpected(wait.error());
  const Revision after{index->value_or(0)};
  // An index of another log says nothing here: what is there now is the fresh start.
  const bool another_log = after > parts->catalog.revision() ||
                           generation->value_or(parts->catalog.generation().value) != parts->catalog.generation().value;
  if (!after || another_log || parts->reader.last_revision(name->view()) > after) {
    return answer_seen(*parts, name->view());
  }
  return std::make_unique<HeldService>(parts, *name, after, parts->clock.now() + *wait);
}

}  // namespace rollcall::api
