#include "publish/message_fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const WallTime kNoon{std::chrono::milliseconds{1'768'474'800'123}};

Instance instance(std::string id, std::uint64_t number) {
  Instance made;
  made.id = InstanceId(std::move(id));
  made.number = InstanceNumber{number};
  made.spec.service = ServiceName("billing");
  made.spec.address = "10.0.0.5";
  made.registered_at = made.status_since = kNoon;
  return made;
}

Instance declaration(std::uint64_t number, std::uint32_t replicas = 2) {
  auto made = instance("swarm:billing", number);
  made.source = Source::swarm;
  made.spec.address.clear();
  auto& declared = made.spec.declares.emplace();
  declared.native_id = "x1y2";
  declared.replicas = replicas;
  return made;
}

class MessageFoldTest : public ::testing::Test {
 protected:
  /// The keys of the messages that the next event makes; they are in `messages_`.
  std::vector<std::string> keys_of(EventKind kind, Instance instance) {
    instance.modified = Revision{++revision_};
    messages_.clear();
    fold_.apply({.revision = Revision{revision_},
                 .previous = {},
                 .at = kNoon,
                 .kind = kind,
                 .cause = {"api", "asked to"},
                 .instance = std::make_shared<const Instance>(std::move(instance))},
                messages_);
    std::vector<std::string> keys;
    for (const auto& message : messages_) keys.push_back(message.routing_key);
    return keys;
  }

  std::uint64_t revision_ = 40;
  MessageFold fold_;
  std::vector<Message> messages_;
};

using enum EventKind;

TEST_F(MessageFoldTest, AServiceComesWithItsFirstInstanceAndGoesWithItsLast) {
  EXPECT_THAT(keys_of(registered, instance("a", 1)), ElementsAre("service.added", "instance.registered"));
  EXPECT_THAT(messages_[0].body, StartsWith(R"({"event":"service.added","timestamp":1768474800,"service":{"id":)"));
  EXPECT_THAT(messages_[0].body, HasSubstr(R"("current_replicas":1)"));
  EXPECT_EQ(messages_[0].id, "41:service.added");
  EXPECT_EQ(messages_[0].at, kNoon);
  EXPECT_THAT(keys_of(registered, instance("b", 2)), ElementsAre("instance.registered"));
  EXPECT_THAT(keys_of(removed, instance("a", 1)), ElementsAre("instance.removed"));
  EXPECT_THAT(keys_of(removed, instance("b", 2)), ElementsAre("instance.removed", "service.removed"));
  EXPECT_EQ(messages_[1].body,
            R"({"event":"service.removed","timestamp":1768474800,"service_id":"billing","service_name":"billing",)"
            R"("cause":{"writer":"api","evidence":"asked to"}})");
  EXPECT_EQ(messages_[1].id, "44:service.removed");
}

TEST_F(MessageFoldTest, AnInstanceIsShownAsTheWatchShowsIt) {
  keys_of(registered, instance("a", 1));
  auto sick = instance("a", 1);
  sick.health = Status::critical;
  EXPECT_THAT(keys_of(status_changed, sick), ElementsAre("instance.status_changed"));
  EXPECT_THAT(
      messages_[0].body,
      StartsWith(R"({"event":"instance.status_changed","timestamp":1768474800,"revision":42,"previous":0,"at":)"));
  EXPECT_THAT(messages_[0].body, HasSubstr(R"("cause":{"writer":"api","evidence":"asked to"},"instance":{"id":"a")"));
  EXPECT_THAT(keys_of(updated, sick), ElementsAre("instance.updated"));
  EXPECT_EQ(messages_[0].id, "43:instance.updated");
}

TEST_F(MessageFoldTest, ANewIncarnationIsNoNewService) {
  keys_of(registered, instance("a", 1));
  EXPECT_THAT(keys_of(registered, instance("a", 1)), ElementsAre("instance.registered"));
  EXPECT_THAT(keys_of(removed, instance("a", 1)), ElementsAre("instance.removed", "service.removed"));
}

TEST_F(MessageFoldTest, ADeclaredServiceIsThereWithoutInstances) {
  EXPECT_THAT(keys_of(registered, declaration(1)), ElementsAre("service.added"));
  EXPECT_THAT(keys_of(registered, instance("task", 2)), ElementsAre("instance.registered"));
  EXPECT_THAT(keys_of(updated, declaration(1, 5)), ElementsAre("service.updated"));
  EXPECT_THAT(keys_of(updated, declaration(1, 5)), ElementsAre("service.updated")) << "somebody's remark";
  EXPECT_THAT(messages_[0].body, HasSubstr(R"(,"cause":{"writer":"api","evidence":"asked to"}})"));
  EXPECT_THAT(keys_of(status_changed, declaration(1, 5)), IsEmpty());
  EXPECT_THAT(keys_of(removed, instance("task", 2)), ElementsAre("instance.removed"));
  EXPECT_THAT(keys_of(removed, declaration(1, 5)), ElementsAre("service.removed"));
  EXPECT_THAT(messages_[0].body, HasSubstr(R"("service_id":"x1y2","service_name":"billing")"));
}

TEST_F(MessageFoldTest, AServiceOutlivesItsDeclarationAsLongAsItHasInstances) {
  EXPECT_THAT(keys_of(registered, instance("task", 2)), ElementsAre("service.added", "instance.registered"));
  EXPECT_THAT(keys_of(registered, declaration(1)), ElementsAre("service.updated"));
  EXPECT_THAT(keys_of(removed, declaration(1)), ElementsAre("service.updated"));
  EXPECT_THAT(keys_of(removed, instance("task", 2)), ElementsAre("instance.removed", "service.removed"));
}

TEST_F(MessageFoldTest, FromAStateItGoesOnAsIfItHadSeenAll) {
  auto first = instance("a", 1);
  first.registered_at = kNoon - std::chrono::hours{1};
  const InstancePtr state[] = {std::make_shared<const Instance>(first),
                               std::make_shared<const Instance>(instance("b", 2))};
  fold_.start(state);
  EXPECT_THAT(keys_of(registered, declaration(3)), ElementsAre("service.updated"));
  EXPECT_THAT(keys_of(removed, instance("a", 1)), ElementsAre("instance.removed"));
  EXPECT_THAT(keys_of(removed, declaration(3)), ElementsAre("service.updated"));
  EXPECT_THAT(messages_[0].body, HasSubstr(R"("created_at":1768471200)"));
  EXPECT_THAT(keys_of(removed, instance("b", 2)), ElementsAre("instance.removed", "service.removed"));
}

TEST_F(MessageFoldTest, AGapSaysWhatIsntTold) {
  const auto gap = gap_message(Revision{7}, Revision{12}, kNoon);
  EXPECT_EQ(gap.routing_key, "gap");
  EXPECT_EQ(gap.id, "12:gap");
  EXPECT_EQ(gap.body, R"({"event":"gap","timestamp":1768474800,"from":8,"to":12})");
}

}  // namespace
}  // namespace rollcall
