# saint-direct.ti -> a C header with the compiled description, extended names (-x) included: without its RGB flag curses makes a table of
# sixteen million colours at the start, half a gigabyte; run as a script with TIC, INFOCMP, SOURCE, FOLDER, OUT.
execute_process(COMMAND ${TIC} -x -o ${FOLDER} ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE why)
if(NOT failed)
    execute_process(COMMAND ${INFOCMP} -x -Q2 -A ${FOLDER} saint-direct OUTPUT_VARIABLE text RESULT_VARIABLE failed ERROR_VARIABLE why)
endif()
if(failed)
    message(WARNING "24-bit colours are left out, tic or infocmp failed: ${why}")
    set(text "")
endif()
string(REGEX REPLACE "#[^\n]*\n" "" text "${text}")
string(REGEX REPLACE "[ \n\r\t]" "" text "${text}")
# Longer than the string literals that C promises (4095 bytes): an array of characters.
file(WRITE ${OUT}.txt "${text}")
file(READ ${OUT}.txt bytes HEX)
file(REMOVE ${OUT}.txt)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(....................................................................................................)" "\\1\n    " bytes "${bytes}")
file(WRITE ${OUT} "/* made from saint-direct.ti by tic and infocmp */\nstatic const char direct_terminfo[] = {\n    ${bytes}0};\n")
