// The page for browsers: files of web/, compiled in.
#include <cstdint>
#include <string_view>

#include "api/answers.hpp"

namespace rollcall::api {
namespace {

using http::Method;

// NOLINTBEGIN(*-avoid-c-arrays): what #embed fills
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr unsigned char kHtml[] = {
#embed "dashboard.html"
};
constexpr unsigned char kCss[] = {
#embed "dashboard.css"
};
constexpr unsigned char kScript[] = {
#embed "dashboard.js"
};
constexpr unsigned char kIcon[] = {
#embed "favicon.svg"
};
constexpr unsigned char kOpenapi[] = {
#embed "openapi.yaml"
};
#pragma clang diagnostic pop
// NOLINTEND(*-avoid-c-arrays)

// Nothing but the daemon's own files may run, and no other page may frame this one.
std::vector<http::Header> page_headers() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Vary", "Accept"}};
}

struct Asset {
  std::string_view bytes;
  std::string_view content_type;
  std::string etag;
};

/// FNV-1a, so that the tag changes with the file.
std::string tag_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  std::string tag = "W/\"";
  append_number(tag, hash);
  tag += '"';
  return tag;
}

template <std::size_t N>
Asset asset(const unsigned char (&bytes)[N], std::string_view content_type) {
  const std::string_view view(reinterpret_cast<const char*>(bytes), N);
  return {view, content_type, tag_of(view)};
}

Response answer_with(const Asset& asset) {
  Response answer;
  answer.content_type = asset.content_type;
  answer.etag = asset.etag;
  answer.cache_control = "no-cache";
  answer.headers = page_headers();
  answer.body.shared.push_back(asset.bytes);
  return answer;
}

http::Handler serve(Asset asset) {
  return http::SyncHandler([asset = std::move(asset)](const Request&) { return answer_with(asset); });
}

bool is_browser(std::string_view accept) { return accept.find("text/html") != std::string_view::npos; }

}  // namespace

void add_page(http::Router& router, const PartsPtr& parts) {
  const auto page = asset(kHtml, "text/html; charset=utf-8");
  router.add(Method::get, "/", http::SyncHandler([parts, page](const Request& request) {
               if (is_browser(request.accept)) return answer_with(page);
               auto answer = service_information(*parts);
               answer.headers.push_back({"Vary", "Accept"});
               return answer;
             }));
  router.add(Method::get, "/dashboard.html", serve(page));
  router.add(Method::get, "/assets/dashboard.css", serve(asset(kCss, "text/css; charset=utf-8")));
  router.add(Method::get, "/assets/dashboard.js", serve(asset(kScript, "text/javascript; charset=utf-8")));
  router.add(Method::get, "/favicon.svg", serve(asset(kIcon, "image/svg+xml")));
  router.add(Method::get, "/openapi.yaml", serve(asset(kOpenapi, "application/yaml")));
}

}  // namespace rollcall::api
