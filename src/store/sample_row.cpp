#include "store/sample_row.hpp"

#include <bit>
#include <concepts>
#include <optional>

#include "store/packing.hpp"

namespace rollcall {
namespace {

// Version 1, in packing.hpp's terms: version u8, samples, wanted (services). A sample is its id, the ages of first_seen
// and last_seen, and what pass_all() passes: what may be absent is preceded by a u8 that is 1 if it is there, and a
// real number is its IEEE 754 bits.
constexpr std::uint8_t kVersion = 1;

/// To and from bytes the same fields in the same order.
template <class Pass, class Orthanc>
  requires std::same_as<std::remove_const_t<Orthanc>, OrthancSample>
void pass_all(Pass& pass, Orthanc& sample) {
  pass(sample.patients);
  pass(sample.studies);
  pass(sample.series);
  pass(sample.instances);
  pass(sample.disk_bytes);
  pass(sample.uncompressed_bytes);
  pass(sample.jobs_running);
  pass(sample.jobs_pending);
  pass(sample.jobs_failed);
  pass(sample.cpu_percent);
  pass(sample.memory_bytes);
  pass(sample.restarts);
}

template <class Pass, class Usage>
  requires std::same_as<std::remove_const_t<Usage>, UsageSample>
void pass_all(Pass& pass, Usage& sample) {
  pass(sample.cpu_percent);
  pass(sample.memory_bytes);
  pass(sample.memory_working_bytes);
  pass(sample.memory_limit_bytes);
  pass(sample.network_rx_bytes);
  pass(sample.network_tx_bytes);
  pass(sample.block_read_bytes);
  pass(sample.block_write_bytes);
}

template <class Pass, class Of>
  requires std::same_as<std::remove_const_t<Of>, Sample>
void pass_all(Pass& pass, Of& sample) {
  pass(sample.response_time_ms);
  pass(sample.orthanc);
  pass(sample.usage);
}

class Write {
 public:
  explicit Write(Packer& out) : out_(out) {}
  void operator()(std::uint64_t value) { out_.number(value); }
  void operator()(double value) { out_.number(std::bit_cast<std::uint64_t>(value)); }
  template <class Value>
  void operator()(const std::optional<Value>& value) {
    out_.byte(value ? 1 : 0);
    if (value) (*this)(*value);
  }
  template <class Fields>
  void operator()(const Fields& fields) {
    pass_all(*this, fields);
  }

 private:
  Packer& out_;
};

class Read {
 public:
  explicit Read(Unpacker& in) : in_(in) {}
  void operator()(std::uint64_t& value) { value = in_.number(); }
  void operator()(double& value) { value = std::bit_cast<double>(in_.number()); }
  template <class Value>
  void operator()(std::optional<Value>& value) {
    if (in_.byte() != 0) (*this)(value.emplace());
  }
  template <class Fields>
  void operator()(Fields& fields) {
    pass_all(*this, fields);
  }

 private:
  Unpacker& in_;
};

}  // namespace

std::string to_row(const SampleNews& news, WallTime now) {
  std::string row;
  Packer out(row);
  out.byte(kVersion);
  out.number(news.samples.size());
  for (const auto& [id, sample] : news.samples) {
    out.text(id.view());
    out.span(now - sample.first_seen);
    out.span(now - sample.last_seen);
    Write write(out);
    pass_all(write, sample);
  }
  out.number(news.wanted.size());
  for (const auto& service : news.wanted) out.text(service.view());
  return row;
}

std::expected<SampleNews, std::string> read_sample_row(std::string_view row, WallTime now) {
  Unpacker in(row);
  if (in.byte() != kVersion) return std::unexpected("samples of another version");
  SampleNews news;
  news.samples.resize(in.count());
  for (auto& [id, sample] : news.samples) {
    id = InstanceId(in.text());
    sample.first_seen = now - in.span();
    sample.last_seen = now - in.span();
    Read read(in);
    pass_all(read, sample);
    if (!in.ok()) break;
  }
  news.wanted.resize(in.count());
  for (auto& service : news.wanted) service = ServiceName(in.text());
  if (!in.ok() || in.left() != 0) return std::unexpected("samples that break off, or go on");
  return news;
}

}  // namespace rollcall
