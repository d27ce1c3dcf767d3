#include "codec/shown_list.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace rollcall::codec {
namespace {

Instance sample(std::string_view id) {
  Instance instance;
  instance.id = InstanceId(id);
  instance.spec.service = ServiceName("hive");
  instance.spec.address = "10.0.0.5";
  instance.spec.port = 65433;
  instance.spec.tags = {"a]b", "c\"d", "{"};
  instance.spec.metadata = {{"address", "not this"}, {"ttl", "nor this"}};
  return instance;
}

TEST(ShownList, TellsWhatEncodingWrote) {
  auto leased = sample("u\"1\\");
  leased.spec.lease.emplace();
  leased.health = Status::critical;
  leased.status_reason = "it said: \"no\", and }";
  std::string bytes;
  append_instance(bytes, leased);
  bytes += ',';
  append_instance(bytes, sample("u2"));
  ShownList list(bytes);
  const auto first = list.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(unescaped(first->id), "u\"1\\");
  EXPECT_EQ(first->address, "10.0.0.5");
  EXPECT_EQ(first->port, "65433");
  EXPECT_EQ(first->status, "critical");
  EXPECT_TRUE(first->leased);
  const auto second = list.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->id, "u2");
  EXPECT_EQ(second->status, "passing");
  EXPECT_FALSE(second->leased);
  EXPECT_FALSE(list.next());
}

TEST(ShownList, BeginsWithACommaWhereAChunkDoes) {
  std::string bytes = ",";
  append_instance(bytes, sample("u2"));
  ShownList list(bytes);
  EXPECT_TRUE(list.next());
  EXPECT_FALSE(list.next());
}

TEST(ShownList, EndsAtWhatItDoesntKnow) {
  std::string whole;
  append_instance(whole, sample("u1"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ShownList(std::string_view(whole).substr(0, size)).next()) << size;
  }
}

}  // namespace
}  // namespace rollcall::codec
