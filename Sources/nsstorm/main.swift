NSStorm.launch()
