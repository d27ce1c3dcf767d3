#include "store/batch_judge.hpp"

namespace rollcall {

Result<EventPtr> BatchJudge::refuse(const Change& change, Error error) {
  // What follows in the batch was judged as if this one had been made.
  refused_.insert(change.instance.id.view());
  return std::unexpected(std::move(error));
}

Result<void> BatchJudge::check_known(const Change& change) {
  const Instance& instance = change.instance;
  if (!instance.number) {
    if (instance.modified) return fail(ErrorCode::internal, "a change of a known instance lacks its number");
    return {};
  }
  if (instance.number > position_.number) return fail(ErrorCode::internal, "an instance number that was never given");
  const auto latest = latest_of_(instance.number);
  if (!latest) return std::unexpected(latest.error());
  // A tombstone past its life is forgotten here before its writer has heard of it.
  const bool forgotten = !*latest && change.kind == EventKind::registered;
  if (*latest == instance.modified || forgotten) return {};
  return fail(ErrorCode::conflict, "the instance has changed since it was looked at");
}

Result<EventPtr> BatchJudge::judge(const Change& change) {
  const auto id = change.instance.id.view();
  if (change.term && change.term != position_.term) {
    return refuse(change, {ErrorCode::conflict, "another node is the reaper by now", {}});
  }
  if (refused_.contains(id)) return refuse(change, {ErrorCode::conflict, "another node changed it meanwhile", {}});
  const auto found = earlier_.find(id);
  const Earlier* earlier = found == earlier_.end() ? nullptr : &found->second;
  if (!earlier) {
    if (auto known = check_known(change); !known) return refuse(change, std::move(known.error()));
  }

  const Revision revision{++position_.revision.value};
  auto instance = std::make_shared<Instance>(change.instance);
  if (!instance->number) instance->number = earlier ? earlier->number : InstanceNumber{++position_.number.value};
  if (!instance->created) {
    instance->created = earlier && change.kind != EventKind::registered ? earlier->created : revision;
  }
  instance->modified = revision;
  auto event = std::make_shared<Event>(Event{.revision = revision,
                                             .previous = earlier ? earlier->revision : change.instance.modified,
                                             .at = change.at,
                                             .kind = change.kind,
                                             .cause = change.cause,
                                             .instance = instance});
  earlier_.insert_or_assign(id, Earlier{revision, instance->created, instance->number});
  return event;
}

}  // namespace rollcall
