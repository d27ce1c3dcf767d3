#pragma once
#include <cstdint>

namespace rollcall {

/// What a heartbeat met.
enum class BeatResult : std::uint8_t {
  ok,
  late,       ///< taken, but after its ttl: another node that judges may have done so already
  unknown,    ///< no such instance, or it has no lease: register anew
  stale,      ///< another session lives under this id now
  undecided,  ///< its lease is running out or has lapsed: submit a Beat and answer by its outcome
};

}  // namespace rollcall
