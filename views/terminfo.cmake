# saint-direct.ti -> a C header with the compiled description; run as a script with TIC, INFOCMP, SOURCE, FOLDER, OUT.
execute_process(COMMAND ${TIC} -x -o ${FOLDER} ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE why)
if(NOT failed)
    execute_process(COMMAND ${INFOCMP} -Q2 -A ${FOLDER} saint-direct OUTPUT_VARIABLE text RESULT_VARIABLE failed ERROR_VARIABLE why)
endif()
if(failed)
    message(WARNING "24-bit colours are left out, tic or infocmp failed: ${why}")
    set(text "")
endif()
string(REGEX REPLACE "#[^\n]*\n" "" text "${text}")
string(REGEX REPLACE "[ \n\r\t]" "" text "${text}")
# C promises string literals of 4095 bytes, so the text comes in rows.
string(REGEX REPLACE "(................................................................................)" "\\1\"\n    \"" text "${text}")
file(WRITE ${OUT} "/* made from saint-direct.ti by tic and infocmp */\nstatic const char direct_terminfo[] =\n    \"${text}\";\n")
