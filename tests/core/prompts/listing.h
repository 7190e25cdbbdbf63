// Listing: all that a reader of JSON is told, as one text, to compare JsonFeed with the parser
// alone.
#ifndef LEASTWISE_TESTS_CORE_PROMPTS_LISTING_H_
#define LEASTWISE_TESTS_CORE_PROMPTS_LISTING_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "prompts/json_feed.h"

namespace leastwise {

class Listing : public JsonEvents<Listing> {
 public:
  void on_name(std::string_view key) { text.append("k:").append(key).append(";"); }
  void on_open() { text += is_object() ? "{" : "["; }
  void on_close() { text += is_object() ? "}" : "]"; }
  void on_part(std::string_view part) { text += part; }
  void on_end(Scalar) { text += ";"; }
  void on_integer(std::uint64_t) {}

  std::string text;
};

// What is no JSON ends with "!", and what was found in it before is left out: how far a parser
// reads strings ahead of an error depends on the pieces.
inline std::string listing_of_parser(std::string_view json) {
  boost::json::basic_parser<Listing> parser(json_options());
  boost::json::error_code fault;
  parser.write_some(true, json.data(), json.size(), fault);
  return fault ? "!" : parser.handler().text + (parser.done() ? "." : "…");
}

inline std::string listing_of_feed(std::string_view json, std::size_t piece) {
  boost::json::basic_parser<Listing> parser(json_options());
  JsonFeed<Listing> feed;
  for (std::size_t at = 0; at < json.size(); at += piece) {
    if (!feed.read(parser, json.substr(at, piece))) return "!";
  }
  return parser.handler().text + (parser.done() ? "." : "…");
}

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_PROMPTS_LISTING_H_
