#include "metrics/own_metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>

namespace rollcall {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily& family_of(std::vector<MetricFamily>& families, std::string name, std::string_view help, MetricType type) {
  const auto found = std::ranges::find(families, name, &MetricFamily::name);
  if (found != families.end()) return *found;
  MetricFamily family;
  family.name = std::move(name);
  family.help = help;
  family.type = type;
  return families.emplace_back(std::move(family));
}

void add(MetricFamily& family, double value, OwnMetrics::Labels labels) {
  prometheus::ClientMetric metric;
  for (auto& [name, text] : labels) metric.label.push_back({std::move(name), std::move(text)});
  metric.counter.value = value;
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

/// Second figure of /proc/self/statm, in pages: resident memory. 0 where there is no such file.
double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0;
  unsigned long long resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &size, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

struct OwnMetrics::Impl {
  std::vector<MetricFamily> families;
};

OwnMetrics::OwnMetrics() : impl_(std::make_unique<Impl>()) {}
OwnMetrics::~OwnMetrics() = default;

void OwnMetrics::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  add(family_of(impl_->families, "rollcall_" + std::string(name), help, MetricType::Counter), value, std::move(labels));
}

void OwnMetrics::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  add(family_of(impl_->families, "rollcall_" + std::string(name), help, MetricType::Gauge), value, std::move(labels));
}

void OwnMetrics::add_process() {
  add(family_of(impl_->families, "process_resident_memory_bytes", "Resident memory.", MetricType::Gauge),
      resident_bytes(), {});
  add(family_of(impl_->families, "process_open_fds", "Open file descriptors.", MetricType::Gauge), open_descriptors(),
      {});
}

std::string OwnMetrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->families);
  return std::move(out).str();
}

}  // namespace rollcall
