#include "catalog/encoded_list.hpp"

#include <map>
#include <random>

#include "catalog/catalog_test_kit.hpp"

namespace rollcall {
namespace {

using test::text_of;

std::string facts(Status status, Source source = Source::api, const std::vector<std::string>& tags = {}) {
  std::string out;
  append_facts(out, status, source, tags);
  return out;
}

std::shared_ptr<const EncodedList> with(const EncodedList& list, std::uint32_t index, std::string_view json,
                                        std::string_view about = {}) {
  const EncodedList::Replacement edit{.index = index, .piece = {.json = json, .facts = about}};
  return list.edited({&edit, 1});
}

std::string matching(const EncodedList& list, const PieceFilter& filter) {
  std::string out;
  const auto count = list.append_matching(filter, out);
  return std::to_string(count) + ":" + out;
}

TEST(EncodedList, JoinsPiecesWithCommasAcrossChunks) {
  auto list = EncodedList::make(2);
  EXPECT_EQ(text_of(*list), "");
  for (std::uint32_t i = 0; i < 5; ++i) list = with(*list, i, std::to_string(i));
  EXPECT_EQ(text_of(*list), "0,1,2,3,4");
  EXPECT_EQ(list->size(), 5U);
  std::vector<std::string> chunks;
  list->for_each_chunk([&](std::string_view bytes) { chunks.emplace_back(bytes); });
  EXPECT_EQ(chunks, (std::vector<std::string>{"0,1", ",2,3", ",4"}));
}

TEST(EncodedList, AnOldVersionStaysAsItWas) {
  const auto first = with(*EncodedList::make(2), 0, "a");
  const auto second = with(*first, 0, "b");
  const auto third = with(*second, 700, "far");
  EXPECT_EQ(text_of(*first), "a");
  EXPECT_EQ(text_of(*second), "b");
  EXPECT_EQ(text_of(*third), "b,far");
  EXPECT_EQ(third->piece(700).json, "far");
  EXPECT_EQ(third->piece(699).json, "");
  EXPECT_EQ(third->piece(4'000'000'000).json, "");
  EXPECT_EQ(second->piece(700).json, "");
}

TEST(EncodedList, HolesLeaveNoCommaBehind) {
  auto list = EncodedList::make(2);
  for (std::uint32_t i = 0; i < 6; ++i) list = with(*list, i, std::to_string(i));
  list = with(*list, 0, "");
  list = with(*list, 1, "");
  EXPECT_EQ(text_of(*list), "2,3,4,5");  // the first chunk is gone: the next one is first now
  list = with(*list, 3, "");
  list = with(*list, 5, "");
  EXPECT_EQ(text_of(*list), "2,4");
  EXPECT_EQ(list->size(), 2U);
  list = with(*list, 1, "x");
  EXPECT_EQ(text_of(*list), "x,2,4");
  EXPECT_EQ(text_of(*with(*with(*with(*list, 1, ""), 2, ""), 4, "")), "");
}

TEST(EncodedList, FiltersByStatusSourceAndTag) {
  auto list = EncodedList::make(2);
  list = with(*list, 0, "a", facts(Status::passing, Source::api, {"eu", "v1"}));
  list = with(*list, 1, "b", facts(Status::critical, Source::api, {"eu"}));
  list = with(*list, 2, "c", facts(Status::passing, Source::probe, {"e", "v12", std::string(300, 'x')}));
  list = with(*list, 3, "d");
  EXPECT_EQ(matching(*list, {}), "4:a,b,c,d");
  EXPECT_EQ(matching(*list, {.status = Status::passing, .source = {}, .tag = {}}), "2:a,c");
  EXPECT_EQ(matching(*list, {.status = {}, .source = Source::api, .tag = {}}), "2:a,b");
  EXPECT_EQ(matching(*list, {.status = {}, .source = {}, .tag = "eu"}), "2:a,b");
  EXPECT_EQ(matching(*list, {.status = {}, .source = {}, .tag = "v1"}), "1:a");
  EXPECT_EQ(matching(*list, {.status = {}, .source = {}, .tag = std::string(300, 'x')}), "1:c");
  EXPECT_EQ(matching(*list, {.status = Status::critical, .source = {}, .tag = "v1"}), "0:");
}

TEST(EncodedList, EqualsAMapAfterAnyEdits) {
  std::mt19937_64 random(7);
  for (const std::uint32_t pieces_per_chunk : {1U, 3U, 64U}) {
    auto list = EncodedList::make(pieces_per_chunk);
    std::map<std::uint32_t, std::string> model;
    for (int round = 0; round < 300; ++round) {
      std::map<std::uint32_t, std::string> texts;
      for (auto n = random() % 20; n > 0; --n) {
        texts[static_cast<std::uint32_t>(random() % 600)] = random() % 3 == 0 ? "" : std::to_string(random());
      }
      std::vector<EncodedList::Replacement> edits;
      for (const auto& [index, text] : texts) {
        edits.push_back({.index = index, .piece = {.json = text, .facts = text}});
        if (text.empty()) {
          model.erase(index);
        } else {
          model[index] = text;
        }
      }
      list = list->edited(edits);
      std::string expected;
      for (const auto& [index, text] : model) {
        expected += (expected.empty() ? "" : ",") + text;
        ASSERT_EQ(list->piece(index).json, text);
        ASSERT_EQ(list->piece(index).facts, text);
      }
      ASSERT_EQ(text_of(*list), expected);
      ASSERT_EQ(list->size(), model.size());
    }
  }
}

}  // namespace
}  // namespace rollcall
