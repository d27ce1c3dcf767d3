#include "publish/beginning.hpp"

#include <utility>

namespace rollcall {
namespace {

Result<Beginning> begin_now(Store& store, std::string_view outbox) {
  auto snapshot = store.snapshot();
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  const Revision now = snapshot->revision;
  if (auto saved = store.save_outbox_position(outbox, now); !saved) return std::unexpected(std::move(saved.error()));
  return Beginning{.position = now,
                   .state = std::move(snapshot->instances),
                   .confirmed = now,
                   .gap_after = now ? std::optional(Revision{}) : std::nullopt};
}

Result<Beginning> begin_with_what_is_kept(Store& store, Revision position) {
  const Revision kept_after{store.health().oldest.value - 1};
  auto state = store.state_at(kept_after, {});
  if (!state) return std::unexpected(std::move(state.error()));
  return Beginning{.position = kept_after, .state = std::move(*state), .confirmed = position, .gap_after = position};
}

}  // namespace

Result<Beginning> find_beginning(Store& store, std::string_view outbox) {
  const auto position = store.outbox_position(outbox);
  if (!position) return std::unexpected(position.error());
  if (!*position) return begin_now(store, outbox);
  auto state = store.state_at(**position, {});
  if (state)
    return Beginning{.position = **position, .state = std::move(*state), .confirmed = **position, .gap_after = {}};
  switch (state.error().code) {
    case ErrorCode::compacted:
      return begin_with_what_is_kept(store, **position);
    case ErrorCode::not_found:  // it is ahead of the log: of another one
      return begin_now(store, outbox);
    default:
      return std::unexpected(std::move(state.error()));
  }
}

Result<void> begin_empty_log(Store& store, std::string_view outbox) {
  const auto position = store.outbox_position(outbox);
  if (!position) return std::unexpected(position.error());
  return *position ? Result<void>() : store.save_outbox_position(outbox, {});
}

}  // namespace rollcall
