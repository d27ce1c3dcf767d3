#include <array>
#include <utility>

#include "model/event.hpp"
#include "model/instance.hpp"
#include "model/service.hpp"

namespace rollcall {
namespace {

constexpr std::array<std::string_view, 4> kStatusNames{"passing", "warning", "critical", "maintenance"};
constexpr std::array<std::string_view, 5> kSourceNames{"api", "socket", "swarm", "probe", "docker"};
constexpr std::array<std::string_view, 4> kEventKindNames{"registered", "updated", "status_changed", "removed"};

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Status status) noexcept { return kStatusNames[std::to_underlying(status)]; }
std::string_view name_of(Source source) noexcept { return kSourceNames[std::to_underlying(source)]; }
std::string_view name_of(EventKind kind) noexcept { return kEventKindNames[std::to_underlying(kind)]; }
std::optional<Status> status_from(std::string_view name) noexcept { return value_of<Status>(kStatusNames, name); }
std::optional<Source> source_from(std::string_view name) noexcept { return value_of<Source>(kSourceNames, name); }
std::optional<EventKind> event_kind_from(std::string_view name) noexcept {
  return value_of<EventKind>(kEventKindNames, name);
}

std::uint32_t& count_of(StatusCounts& counts, Status status) noexcept {
  switch (status) {
    case Status::passing:
      return counts.passing;
    case Status::warning:
      return counts.warning;
    case Status::critical:
      return counts.critical;
    case Status::maintenance:
      break;
  }
  return counts.maintenance;
}

bool Filter::matches(const Instance& instance) const {
  if (service && instance.spec.service != *service) return false;
  if (id && instance.id != *id) return false;
  if (status && instance.status() != *status) return false;
  if (source && instance.source != *source) return false;
  if (instance.spec.declares && (status || !tag.empty())) return false;  // of instances alone
  if (tag.empty()) return true;
  for (const auto& have : instance.spec.tags) {
    if (have == tag) return true;
  }
  return false;
}

}  // namespace rollcall
