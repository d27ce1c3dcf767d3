#include "store/memory/memory_log.hpp"

namespace rollcall {
namespace {

/// Roughly what an event takes, for the bound on history.
std::uint64_t size_of(const Event& event) {
  const Instance& instance = *event.instance;
  std::uint64_t size = sizeof(Event) + sizeof(Instance) + event.cause.writer.size() + event.cause.evidence.size() +
                       instance.id.view().size() + instance.spec.service.view().size() + instance.spec.address.size();
  for (const auto& tag : instance.spec.tags) size += sizeof(std::string) + tag.size();
  for (const auto& [key, value] : instance.spec.metadata) size += 2 * sizeof(std::string) + key.size() + value.size();
  return size;
}

}  // namespace

void MemoryLog::insert(EventPtr event, std::uint64_t writer) {
  const InstanceNumber number = event->instance->number;
  tombstones.erase(event->previous);
  if (event->kind == EventKind::removed) tombstones.emplace(event->revision, number);
  if (event->kind == EventKind::registered) lease_marks.erase(number);
  latest[number] = event->revision;
  bytes += size_of(*event);
  const Revision revision = event->revision;
  rows.emplace_hint(rows.end(), revision, Row{std::move(event), writer});
}

void MemoryLog::erase(Revision revision) {
  const auto row = rows.find(revision);
  if (row == rows.end()) return;
  bytes -= size_of(*row->second.event);
  rows.erase(row);
}

std::shared_ptr<MemoryLog> make_memory_log(Generation generation) { return std::make_shared<MemoryLog>(generation); }

}  // namespace rollcall
