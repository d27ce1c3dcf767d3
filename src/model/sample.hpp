#pragma once
// Samples are what changes too often to be an event: they live in memory beside the Catalog and are joined to answers.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace rollcall {

/// What an Orthanc holds and how busy it is. Absent: not asked, or it wouldn't say.
struct OrthancSample {
  std::optional<std::uint64_t> patients, studies, series, instances;
  std::optional<std::uint64_t> disk_bytes;          ///< TotalDiskSize
  std::optional<std::uint64_t> uncompressed_bytes;  ///< TotalUncompressedSize
  std::optional<std::uint64_t> jobs_running, jobs_pending, jobs_failed;
  std::optional<double> cpu_percent;          ///< of one core, where the process is local
  std::optional<std::uint64_t> memory_bytes;  ///< resident, where the process is local
  std::optional<std::uint64_t> restarts;      ///< seen by us, by a changed start of the process
};

/// What a container used, by its engine's own counters. Absent: the engine doesn't count it.
struct UsageSample {
  double cpu_percent = 0;                             ///< of one core; 250: two and a half cores
  std::uint64_t memory_bytes = 0;                     ///< page cache included
  std::optional<std::uint64_t> memory_working_bytes;  ///< without the page cache that could be dropped
  std::optional<std::uint64_t> memory_limit_bytes;
  std::optional<std::uint64_t> network_rx_bytes, network_tx_bytes;  ///< since the container started
  std::optional<std::uint64_t> block_read_bytes, block_write_bytes;
};

/// The latest word on an instance.
struct Sample {
  WallTime first_seen;
  WallTime last_seen;                      ///< last time that it answered
  std::optional<double> response_time_ms;  ///< of its last answer
  std::optional<OrthancSample> orthanc;
  std::optional<UsageSample> usage;
};

struct InstanceSample {
  InstanceId id;
  Sample sample;
};

}  // namespace rollcall
