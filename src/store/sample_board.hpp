#pragma once
// Where the nodes that share a log tell each other what they sampled. It is kept for a while and may be lost: samples
// are taken again before long.
#include <vector>

#include "base/error.hpp"
#include "model/sample.hpp"

namespace rollcall {

/// What one node tells.
struct SampleNews {
  std::vector<InstanceSample> samples;
  std::vector<ServiceName> wanted{};  ///< somebody waits for new samples of these
  [[nodiscard]] bool empty() const noexcept { return samples.empty() && wanted.empty(); }
};

/// One node's handle. Its call blocks, and comes from one thread at a time.
class SampleBoard {
 public:
  virtual ~SampleBoard() = default;

  /// Tells `told`, unless it is empty, and gives what others have told since the last call: each node's in order, and
  /// at first all that is still kept, but for what this program can't read. Times are by this node's clock,
  /// however the others' go. After an error `told` may have been taken or not.
  [[nodiscard]] virtual Result<std::vector<SampleNews>> exchange(const SampleNews& told) = 0;
};

}  // namespace rollcall
