// What an engine tells of the log's growth whose log several nodes may share.
#include <gmock/gmock.h>

#include "conformance/recording_growth.hpp"
#include "conformance/store_fixture.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;

template <class Engine>
class StoreGrowthTest : public StoreTest<Engine> {};
TYPED_TEST_SUITE(StoreGrowthTest, SharedEngines, EngineNames);

TYPED_TEST(StoreGrowthTest, AHandleIsToldOfWhatAnotherCommits) {
  RecordingGrowth growth;
  this->store_->on_growth(growth.note());
  const auto other = this->engine_.open();
  this->must(other->commit(batch({}, {registering(full_instance("a"))})));
  EXPECT_TRUE(growth.comes_to(Revision{1}));
  EXPECT_THAT(revisions_of(*this->store_->read({}, 10)), ElementsAre(1)) << "and finds it";
  this->must(this->store_->commit(batch(Revision{1}, {registering(full_instance("b"))})));
  this->must(other->commit(batch(Revision{1}, {registering(full_instance("c")), registering(full_instance("d"))})));
  EXPECT_TRUE(growth.comes_to(Revision{4}));
}

TYPED_TEST(StoreGrowthTest, EachOfSeveralHandlesIsToldUntilItGoes) {
  RecordingGrowth here, there, gone;
  const auto other = this->engine_.open();
  auto third = this->engine_.open();
  this->store_->on_growth(here.note());
  other->on_growth(there.note());
  third->on_growth(gone.note());
  this->must(third->commit(batch({}, {registering(full_instance("a"))})));
  EXPECT_TRUE(here.comes_to(Revision{1}));
  EXPECT_TRUE(there.comes_to(Revision{1}));
  third.reset();
  this->must(this->store_->commit(batch(Revision{1}, {registering(full_instance("b"))})));
  EXPECT_TRUE(there.comes_to(Revision{2}));
  EXPECT_FALSE(gone.comes_to(Revision{2}, 0ms));
}

}  // namespace
}  // namespace rollcall::testing
