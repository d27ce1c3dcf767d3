#include "store/postgres/batch_rows.hpp"

#include <unordered_map>

namespace rollcall::postgres {

Parameters known_in(const ChangeBatch& batch) {
  Array numbers(Type::number);
  for (const Change& change : batch.changes) {
    if (change.instance.number) numbers.add(change.instance.number.value);
  }
  return Parameters().array(numbers);
}

BatchJudge::Position judge_batch(const ChangeBatch& batch, BatchJudge::Position position, const Rows& latest_rows,
                                 const RevisionRanges& own, CommitResult& result) {
  std::unordered_map<InstanceNumber, Revision> latest;
  for (int row = 0; row < latest_rows.size(); ++row) {
    latest.emplace(InstanceNumber{latest_rows.number(row, 0)}, Revision{latest_rows.number(row, 1)});
  }
  BatchJudge judge(position, [&](InstanceNumber number) -> Result<Revision> {
    const auto found = latest.find(number);
    return found == latest.end() ? Revision{} : found->second;
  });
  const std::vector<EventPtr> missed = result.events;  // keeps the ids that the judge borrows
  for (const EventPtr& event : missed) {
    if (!own.contains(event->revision)) judge.touched_elsewhere(event->instance->id.view());
  }
  result.outcomes.reserve(batch.changes.size());
  for (const Change& change : batch.changes) {
    auto event = judge.judge(change);
    if (event) {
      result.outcomes.push_back((*event)->revision);
      result.events.push_back(std::move(*event));
    } else {
      result.outcomes.push_back(std::unexpected(std::move(event.error())));
    }
  }
  return judge.position();
}

}  // namespace rollcall::postgres
