#include "http/router.hpp"

#include <array>
#include <cassert>
#include <optional>
#include <utility>

#include "http/text.hpp"

namespace rollcall::http {
namespace {

// Deeper paths than any route has are unknown without being looked at.
constexpr std::size_t kMaxSegments = 16;
constexpr std::size_t kMethods = std::to_underlying(Method::other);
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// Up to kMaxSegments of them, without an allocation.
class Segments {
 public:
  void push_back(std::string_view segment) noexcept { at_[size_++] = {segment.data(), segment.size()}; }
  void pop_back() noexcept { --size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return {at_[i].data, at_[i].size}; }

 private:
  struct View {  // a string_view would have to be set beforehand
    const char* data;
    std::size_t size;
  };
  std::array<View, kMaxSegments> at_;
  std::size_t size_ = 0;
};

/// What one path stands for: a handler for each method, and the names of its parameters.
struct Resource {
  std::array<std::optional<Handler>, kMethods> handlers;
  std::vector<std::string> params;
  std::string allow;

  [[nodiscard]] const Handler* find(Method method) const noexcept {
    if (method == Method::other) return nullptr;
    const auto& own = handlers[std::to_underlying(method)];
    if (own) return &*own;
    const auto& get = handlers[std::to_underlying(Method::get)];
    return method == Method::head && get ? &*get : nullptr;
  }

  void set(Method method, Handler handler) {
    auto& slot = handlers[std::to_underlying(method)];
    assert(!slot && "a route is added once");
    slot = std::move(handler);
    allow.clear();
    for (std::size_t i = 0; i < kMethods; ++i) {
      const auto each = static_cast<Method>(i);
      if (each != Method::options && !find(each)) continue;
      if (!allow.empty()) allow += ", ";
      allow += name_of(each);
    }
  }
};

/// One segment of the paths: where the next one leads.
struct Node {
  struct Child {
    std::string literal;
    std::unique_ptr<Node> node;
  };
  std::vector<Child> children;
  std::unique_ptr<Node> any;  ///< a {name}
  std::optional<Resource> resource;

  [[nodiscard]] const Node* child(std::string_view segment) const noexcept {
    for (const auto& each : children) {
      if (each.literal == segment) return each.node.get();
    }
    return nullptr;
  }

  Node& make_child(std::string_view segment) {
    for (auto& each : children) {
      if (each.literal == segment) return *each.node;
    }
    children.push_back({std::string(segment), std::make_unique<Node>()});
    return *children.back().node;
  }
};

// Splits before decoding: a %2F stays inside its segment.
bool split(std::string_view path, Segments& out) {
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  while (out.size() < kMaxSegments) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
  return false;
}

/// A literal segment goes before a {name}, and the way back is tried. Depth is bounded by kMaxSegments, and a node
/// branches in two.
class Search {
 public:
  Search(Method method, const Segments& segments) : method_(method), segments_(segments) {}

  void run(const Node& root) { visit(root, 0); }

  [[nodiscard]] const Resource* found() const noexcept { return found_; }
  [[nodiscard]] const Resource* wrong_method() const noexcept { return wrong_method_; }
  [[nodiscard]] const Segments& captured() const noexcept { return captured_; }

 private:
  bool visit(const Node& node, std::size_t depth) {
    if (depth == segments_.size()) return arrive(node);
    const auto segment = segments_[depth];
    const Node* literal = child(node, segment);
    if (literal != nullptr && visit(*literal, depth + 1)) return true;
    if (!node.any || segment.empty()) return false;
    captured_.push_back(segment);
    if (visit(*node.any, depth + 1)) return true;
    captured_.pop_back();
    return false;
  }

  static const Node* child(const Node& node, std::string_view segment) {
    if (!segment.contains('%')) return node.child(segment);
    std::string decoded;
    return percent_decode_into(segment, decoded) ? node.child(decoded) : nullptr;
  }

  bool arrive(const Node& node) {
    if (!node.resource) return false;
    if (method_ == Method::options || node.resource->find(method_) != nullptr) {
      found_ = &*node.resource;
      return true;
    }
    if (wrong_method_ == nullptr) wrong_method_ = &*node.resource;
    return false;
  }

  const Method method_;
  const Segments& segments_;
  Segments captured_;
  const Resource* found_ = nullptr;
  const Resource* wrong_method_ = nullptr;
};

Response options_answer(std::string_view allow) {
  Response response;
  response.status = 204;
  response.allow = allow;
  return response;
}

Response wrong_method_answer(std::string_view allow) {
  auto response = problem({ErrorCode::method_not_allowed, "this path takes other methods: see Allow", {}});
  response.allow = allow;
  return response;
}

// Strings of an earlier request keep their capacity.
std::optional<Response> decode_params(const Resource& resource, const Segments& captured, Request& request) {
  request.params.resize(captured.size());
  for (std::size_t i = 0; i < captured.size(); ++i) {
    if (!percent_decode_into(captured[i], request.params[i])) {
      return problem(
          {ErrorCode::invalid, "a '%' in the path isn't followed by two hexadecimal digits", resource.params[i]});
    }
    if (!is_utf8(request.params[i])) {
      return problem({ErrorCode::invalid, "this part of the path isn't UTF-8", resource.params[i]});
    }
  }
  return std::nullopt;
}

}  // namespace

struct Router::Impl {
  Node root;
};

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, Handler handler) {
  Segments segments;
  [[maybe_unused]] const bool well_formed = split(pattern, segments);
  assert(well_formed && method != Method::other && method != Method::options);
  std::vector<std::string> params;
  Node* node = &impl_->root;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto segment = segments[i];
    if (segment.starts_with('{')) {
      params.emplace_back(segment.substr(1, segment.size() - 2));
      if (!node->any) node->any = std::make_unique<Node>();
      node = node->any.get();
    } else {
      node = &node->make_child(segment);
    }
  }
  if (!node->resource) node->resource.emplace();
  node->resource->params = std::move(params);
  node->resource->set(method, std::move(handler));
}

std::variant<const Handler*, Response> Router::match(Request& request) const {
  if (request.path == "*" && request.method == Method::options) return options_answer(kAllMethods);
  Segments segments;
  if (!split(request.path, segments)) return problem({ErrorCode::not_found, "no such path", {}});
  Search search(request.method, segments);
  search.run(impl_->root);
  if (search.found() == nullptr) {
    if (search.wrong_method() != nullptr) return wrong_method_answer(search.wrong_method()->allow);
    return problem({ErrorCode::not_found, "no such path", {}});
  }
  if (request.method == Method::options) return options_answer(search.found()->allow);
  if (auto bad = decode_params(*search.found(), search.captured(), request)) return std::move(*bad);
  return search.found()->find(request.method);
}

}  // namespace rollcall::http
