#include "api/bound_leases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.hpp"

namespace rollcall::api {
namespace {

using socket::End;
using socket::TieId;
using std::chrono::milliseconds;

std::string_view what_happened(End end) noexcept {
  return end == End::silent ? "its connection fell silent" : "its connection closed";
}

Cause cause_of(End end) { return {"socket", std::string(what_happened(end))}; }

Cause cause_after(End end, milliseconds grace) {
  const double seconds = std::chrono::duration<double>(grace).count();
  return {"socket", fmt::format("{} and wasn't resumed within {} s", what_happened(end), seconds)};
}

}  // namespace

std::optional<milliseconds> bound_grace_of(const Instance& instance) {
  const auto& metadata = instance.spec.metadata;
  const auto entry = std::ranges::find(metadata, kBoundGraceKey, &Metadata::value_type::first);
  if (instance.source != Source::socket || entry == metadata.end()) return std::nullopt;
  std::int64_t count = 0;
  const auto& digits = entry->second;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return milliseconds{count};
}

TieId BoundLeases::open() {
  const std::scoped_lock lock(mutex_);
  ties_.try_emplace(++last_tie_);
  return TieId{last_tie_};
}

void BoundLeases::close(TieId tie, End end) {
  for (const auto& leaving : take_leaving(tie, end)) {
    if (leaving.grace > milliseconds{0}) {
      start_grace(leaving, end);
    } else {
      remove(leaving.id, cause_of(end));
    }
  }
}

std::vector<BoundLeases::Leaving> BoundLeases::take_leaving(TieId tie, End end) {
  std::vector<Leaving> leaving;
  const std::scoped_lock lock(mutex_);
  const auto found = ties_.find(tie.value);
  if (found == ties_.end()) return leaving;
  for (const auto& id : found->second.ids) {
    const auto at = bound_.find(id);
    at->second.tie = TieId{};
    if (end != End::by_us) leaving.push_back({InstanceId(id), at->second.grace, at->second.serial});
    if (end == End::by_us || at->second.grace == milliseconds{0}) bound_.erase(at);
  }
  ties_.erase(found);
  return leaving;
}

void BoundLeases::start_grace(const Leaving& leaving, End end) {
  parts_.timers.post_at(parts_.clock.now() + leaving.grace, [weak = weak_from_this(), leaving, end] {
    if (const auto self = weak.lock()) self->end_grace(leaving, end);
  });
}

void BoundLeases::end_grace(const Leaving& leaving, End end) {
  {
    const std::scoped_lock lock(mutex_);
    const auto at = bound_.find(leaving.id.str());
    if (at == bound_.end() || at->second.serial != leaving.serial) return;
    bound_.erase(at);
  }
  remove(leaving.id, cause_after(end, leaving.grace));
}

void BoundLeases::remove(const InstanceId& id, Cause cause) {
  parts_.registry.submit(
      Deregister{id, Session(), Source::socket, std::move(cause)}, [id](const Result<Outcome>& outcome) {
        if (outcome || outcome.error().code == ErrorCode::not_found) return;
        log::warning("socket", "{} could not be removed with its connection, and will be by its ttl: {}", id.view(),
                     outcome.error().message);
      });
}

bool BoundLeases::reserve(TieId tie) {
  const std::scoped_lock lock(mutex_);
  const auto found = ties_.find(tie.value);
  if (found == ties_.end()) return false;
  Tie& held = found->second;
  if (held.ids.size() + held.reserved >= parts_.most_per_tie) drop_gone_locked(held);
  if (held.ids.size() + held.reserved >= parts_.most_per_tie) return false;
  ++held.reserved;
  return true;
}

void BoundLeases::release(TieId tie) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = ties_.find(tie.value); found != ties_.end()) --found->second.reserved;
}

void BoundLeases::bind(const InstanceId& id, TieId tie, milliseconds grace) {
  const std::scoped_lock lock(mutex_);
  const auto found = ties_.find(tie.value);
  if (found == ties_.end()) return;
  untie_locked(id.str());
  --found->second.reserved;
  found->second.ids.insert(id.str());
  bound_[id.str()] = {tie, grace, ++last_serial_};
}

void BoundLeases::forget(const InstanceId& id) {
  const std::scoped_lock lock(mutex_);
  untie_locked(id.str());
  bound_.erase(id.str());
}

void BoundLeases::untie_locked(const std::string& id) {
  const auto at = bound_.find(id);
  if (at == bound_.end()) return;
  if (const auto tie = ties_.find(at->second.tie.value); tie != ties_.end()) tie->second.ids.erase(id);
}

// Expired, or removed by another way: nobody tells.
void BoundLeases::drop_gone_locked(Tie& tie) {
  boost::unordered::erase_if(tie.ids, [this](const std::string& id) {
    const bool gone = parts_.catalog.find_instance(id) == nullptr;
    if (gone) bound_.erase(id);
    return gone;
  });
}

}  // namespace rollcall::api
