#pragma once
#include "store/postgres/parameters.hpp"

namespace rollcall::postgres {

/// Nodes and their rounds, of a list or a map of them, as the columns that unnest() puts together again.
[[nodiscard]] Parameters two_columns(const auto& rounds) {
  Array nodes(Type::number), numbers(Type::number);
  for (const auto& [node, round] : rounds) {
    nodes.add(node.value);
    numbers.add(round.value);
  }
  return Parameters().array(nodes).array(numbers);
}

}  // namespace rollcall::postgres
