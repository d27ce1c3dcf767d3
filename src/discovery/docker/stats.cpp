#include "discovery/docker/stats.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>

namespace rollcall::docker {
namespace {

namespace json = boost::json;
using Count = std::optional<std::uint64_t>;

const json::value* member(const json::value& value, std::string_view key) {
  return value.is_object() ? value.get_object().if_contains(key) : nullptr;
}

const json::value* find(const json::value& root, std::initializer_list<std::string_view> path) {
  const json::value* at = &root;
  for (const auto key : path) {
    at = member(*at, key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Count count(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return std::nullopt;
}

Count count_at(const json::value& root, std::initializer_list<std::string_view> path) {
  return count(find(root, path));
}

/// Older engines don't say how many processors there are, but count each by itself.
double processors(const json::value& root) {
  if (const auto online = count_at(root, {"cpu_stats", "online_cpus"}); online && *online > 0) {
    return static_cast<double>(*online);
  }
  const auto* each = find(root, {"cpu_stats", "cpu_usage", "percpu_usage"});
  return each != nullptr && each->is_array() ? static_cast<double>(each->get_array().size()) : 1;
}

double difference(const Count& now, const Count& before) {
  return now && before ? static_cast<double>(*now) - static_cast<double>(*before) : 0;
}

double cpu_percent(const json::value& root) {
  const auto used = difference(count_at(root, {"cpu_stats", "cpu_usage", "total_usage"}),
                               count_at(root, {"precpu_stats", "cpu_usage", "total_usage"}));
  const auto passed = difference(count_at(root, {"cpu_stats", "system_cpu_usage"}),
                                 count_at(root, {"precpu_stats", "system_cpu_usage"}));
  return used > 0 && passed > 0 ? used / passed * processors(root) * 100 : 0;
}

/// File pages that nobody has used of late: the kernel takes them back when memory is short.
Count droppable(const json::value& root) {
  const auto v1 = count_at(root, {"memory_stats", "stats", "total_inactive_file"});
  return v1 ? v1 : count_at(root, {"memory_stats", "stats", "inactive_file"});
}

/// Over all networks; a container with the host's network has none of its own.
Count network_sum(const json::value& root, std::string_view key) {
  const auto* networks = find(root, {"networks"});
  if (networks == nullptr || !networks->is_object()) return std::nullopt;
  std::uint64_t sum = 0;
  for (const auto& network : networks->get_object()) sum += count(member(network.value(), key)).value_or(0);
  return sum;
}

/// `name` in small letters; cgroup v1 writes it with a capital.
bool is_operation(const json::value& entry, std::string_view name) {
  const auto* op = member(entry, "op");
  if (op == nullptr || !op->is_string()) return false;
  const auto& text = op->get_string();
  return std::ranges::equal(text, name, [](char a, char b) { return (a | 0x20) == b; });
}

/// Over all devices; null where the kernel doesn't count it.
Count block_sum(const json::value& root, std::string_view operation) {
  const auto* entries = find(root, {"blkio_stats", "io_service_bytes_recursive"});
  if (entries == nullptr || !entries->is_array()) return std::nullopt;
  std::uint64_t sum = 0;
  for (const auto& entry : entries->get_array()) {
    if (is_operation(entry, operation)) sum += count(member(entry, "value")).value_or(0);
  }
  return sum;
}

}  // namespace

std::optional<UsageSample> parse_stats(std::string_view text) {
  boost::system::error_code error;
  const auto root = json::parse(text, error);
  if (error) return std::nullopt;
  const auto memory = count_at(root, {"memory_stats", "usage"});
  if (!memory) return std::nullopt;
  UsageSample sample;
  sample.cpu_percent = cpu_percent(root);
  sample.memory_bytes = *memory;
  if (const auto cache = droppable(root)) sample.memory_working_bytes = *memory - std::min(*cache, *memory);
  sample.memory_limit_bytes = count_at(root, {"memory_stats", "limit"});
  sample.network_rx_bytes = network_sum(root, "rx_bytes");
  sample.network_tx_bytes = network_sum(root, "tx_bytes");
  sample.block_read_bytes = block_sum(root, "read");
  sample.block_write_bytes = block_sum(root, "write");
  return sample;
}

}  // namespace rollcall::docker
