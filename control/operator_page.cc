// Answers: one line for one line, and pages of rows.
#include <algorithm>
#include <utility>

#include "control/json.h"
#include "control/operator.h"

namespace midstream {
namespace {

nlohmann::json error_answer(std::string_view text) { return {{"error", text}}; }

// Fills in what the handler relies on; what is wrong with the request, or nothing.
std::optional<std::string> complete(nlohmann::json& request) {
  if (!request.is_object()) return "a request is one line with one JSON object";
  if (!request.contains("command") || !request["command"].is_string())
    return "\"command\" is missing or not text";
  if (!request.contains("after")) request["after"] = nullptr;
  nlohmann::json& limit = request["limit"];
  const auto rows = limit.is_null() ? kLargestPage : whole_number(limit);
  if (!rows || *rows == 0) return "\"limit\" must be a whole number from 1 on";
  limit = std::min<uint64_t>(*rows, kLargestPage);
  return std::nullopt;
}

nlohmann::json answer(std::string_view line, const Operator::Handler& handler) {
  nlohmann::json request = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (auto wrong = complete(request)) return error_answer(*wrong);
  try {
    return handler(request);
  } catch (const nlohmann::json::exception& error) {
    return error_answer(error.what());  // a parameter of the request is not what the handler takes
  }
}

std::string print_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

nlohmann::json wrong_cursor() {
  return error_answer("\"after\" must be the \"next\" of an earlier answer");
}

}  // namespace

std::string answer_line(std::string_view line, const Operator::Handler& handler) {
  std::string text = print_line(answer(line, handler));
  if (text.size() <= kLargestAnswerBytes) return text;
  return print_line(error_answer("the answer is too long: ask for fewer rows with \"limit\""));
}

nlohmann::json page(std::vector<uint64_t> ids, const nlohmann::json& after, size_t limit,
                    const MakeRows& make_rows) {
  const auto seen = after.is_null() ? 0 : whole_number(after);
  if (!seen) return wrong_cursor();
  if (!after.is_null()) std::erase_if(ids, [&seen](uint64_t id) { return id <= *seen; });
  std::sort(ids.begin(), ids.end());
  nlohmann::json rows = nlohmann::json::array();
  size_t end = 0;
  while (end < ids.size() && rows.size() < limit) make_rows(ids[end++], rows);
  nlohmann::json next;
  if (end < ids.size()) next = end > 0 ? nlohmann::json(ids[end - 1]) : after;
  return {{"rows", std::move(rows)}, {"next", std::move(next)}};
}

nlohmann::json page(nlohmann::json rows, const nlohmann::json& after, size_t limit) {
  const auto seen = after.is_null() ? 0 : whole_number(after);
  if (!seen) return wrong_cursor();
  const size_t first = std::min<size_t>(rows.size(), *seen);
  const size_t end = first + std::min(rows.size() - first, limit);
  nlohmann::json taken = nlohmann::json::array();
  for (size_t i = first; i < end; ++i) taken.push_back(std::move(rows[i]));
  nlohmann::json next;
  if (end < rows.size()) next = end;
  return {{"rows", std::move(taken)}, {"next", std::move(next)}};
}

}  // namespace midstream
