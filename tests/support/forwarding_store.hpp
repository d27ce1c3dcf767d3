#pragma once
// A Store that passes everything on to another: what a test's Store is made of that fails here and there (style.md 24).
#include <utility>

#include "store/store.hpp"

namespace rollcall::testing {

class ForwardingStore : public Store {
 public:
  /// `engine` must outlive its use.
  explicit ForwardingStore(Store& engine) : engine_(engine) {}

  void on_growth(Grown grown) override { engine_.on_growth(std::move(grown)); }
  Result<Snapshot> snapshot() override { return engine_.snapshot(); }
  Result<CommitResult> commit(const ChangeBatch& batch) override { return engine_.commit(batch); }
  Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override { return engine_.read(after, limit); }
  Result<std::vector<InstancePtr>> state_at(Revision revision, const Filter& filter) override {
    return engine_.state_at(revision, filter);
  }
  Result<HistoryPage> history(const HistoryQuery& query) override { return engine_.history(query); }
  Result<std::vector<EventPtr>> history_of(Revision newest, std::size_t limit) override {
    return engine_.history_of(newest, limit);
  }
  Result<void> save_leases(const LeaseMarks& marks) override { return engine_.save_leases(marks); }
  Result<LeaseMarks> load_leases() override { return engine_.load_leases(); }
  Result<std::optional<Revision>> outbox_position(std::string_view outbox) override {
    return engine_.outbox_position(outbox);
  }
  Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) override {
    return engine_.save_outbox_position(outbox, confirmed);
  }
  Result<bool> prune(WallTime now) override { return engine_.prune(now); }
  StoreHealth health() override { return engine_.health(); }

 private:
  Store& engine_;
};

}  // namespace rollcall::testing
